// A module of its own, so that go get does not download these files.
module github.com/df65613c/easel/sdxl/demo/companions

go 1.26.0
