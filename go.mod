module github.com/df65613c/easel

go 1.25.0
