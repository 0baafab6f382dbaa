// A module of its own, so that go get does not download what makes the references of tests.
module github.com/df65613c/easel/internal/golden/gen

go 1.26.0
