package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

// TestCommentsNameWhatTheyDescribe: a comment above a function or type begins with
// its name, so that one that was renamed or moved is noticed.
func TestCommentsNameWhatTheyDescribe(t *testing.T) {
	out, err := exec.Command("git", "-C", golden.Root(), "ls-files", "*.go").Output()
	if err != nil {
		t.Skip("not a clone of the repository")
	}
	fset := token.NewFileSet()
	check := func(name string, comment *ast.CommentGroup) {
		words := strings.Fields(comment.Text())
		if len(words) > 1 && (words[0] == "A" || words[0] == "An" || words[0] == "The") {
			words = words[1:]
		}
		if len(words) > 0 && strings.TrimRight(words[0], ",.:;'s") != strings.TrimRight(name, "s") {
			t.Errorf("%s: the comment of %s begins with %q", fset.Position(comment.Pos()), name, words[0])
		}
	}
	for name := range strings.FieldsSeq(string(out)) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(golden.Root(), name), nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				check(d.Name.Name, d.Doc)
			case *ast.GenDecl:
				if d.Tok == token.TYPE && len(d.Specs) == 1 {
					check(d.Specs[0].(*ast.TypeSpec).Name.Name, d.Doc)
				}
			}
		}
	}
}
