# easel alone on an empty image: docker build -t easel . && docker run -p 8080:8080 easel
# With a model of your own: docker run -p 8080:8080 -v /path/to/sdxl-base:/model:ro easel serve --listen 0.0.0.0:8080 -m /model
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /easel ./cmd/easel && mkdir -m 1777 /scratch-tmp

FROM scratch
COPY --from=build /easel /easel
COPY --from=build /scratch-tmp /tmp
USER 65534:65534
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/easel"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
