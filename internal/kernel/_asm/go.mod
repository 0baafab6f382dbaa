module github.com/df65613c/easel/internal/kernel/_asm

go 1.25.0
