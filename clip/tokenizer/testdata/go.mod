// A module of its own, so that go get does not download the references of tests.
module github.com/df65613c/easel/clip/tokenizer/testdata

go 1.26.0
