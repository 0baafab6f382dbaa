// A module of its own, so that go get does not download the pictures of the documents.
module github.com/df65613c/easel/docs/img

go 1.26.0
