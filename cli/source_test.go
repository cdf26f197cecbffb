package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
	"testing"
)

// source is a file of product code: neither generated, nor a test, nor test support.
type source struct {
	file    string
	pkg     string            // folder, from the top of the module
	imports map[string]string // of the module: folder by the name it has in this file
	ast     *ast.File
}

// readProduct parses all product code.
func readProduct(t *testing.T) (files []source, set *token.FileSet) {
	t.Helper()
	set = token.NewFileSet()
	for _, file := range goFiles(t) {
		pkg := path.Dir(file)
		if strings.HasSuffix(file, "_test.go") || isTestSupport(pkg) || isGenerated(file) {
			continue
		}
		parsed, err := parser.ParseFile(set, file, readSource(t, file), parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, source{file: file, pkg: pkg, imports: ownImports(parsed), ast: parsed})
	}
	return files, set
}

func ownImports(file *ast.File) map[string]string {
	own := make(map[string]string)
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		folder, ours := strings.CutPrefix(name, module+"/")
		if err != nil || !ours {
			continue
		}
		as := path.Base(folder)
		if spec.Name != nil {
			as = spec.Name.Name
		}
		own[as] = folder
	}
	return own
}

// declared is an exported thing of a package: what stands at its top, or a method
// of an exported type.
type declared struct {
	pkg, name string
	method    bool
	kind      token.Token // FUNC, TYPE, CONST or VAR
	pos       token.Pos
	doc       *ast.CommentGroup
}

// exports are the exported things that a file declares.
func (s source) exports() (list []declared) {
	add := func(name *ast.Ident, kind token.Token, method bool, docs ...*ast.CommentGroup) {
		if !name.IsExported() {
			return
		}
		d := declared{pkg: s.pkg, name: name.Name, kind: kind, method: method, pos: name.Pos()}
		for _, doc := range docs {
			if d.doc == nil && doc.Text() != "" {
				d.doc = doc
			}
		}
		list = append(list, d)
	}
	for _, decl := range s.ast.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil || ast.IsExported(receiver(decl)) {
				add(decl.Name, token.FUNC, decl.Recv != nil, decl.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name, token.TYPE, false, spec.Doc, spec.Comment, decl.Doc)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name, decl.Tok, false, spec.Doc, spec.Comment, decl.Doc)
					}
				}
			}
		}
	}
	return list
}

// receiver names the type that a method belongs to.
func receiver(decl *ast.FuncDecl) string {
	for expr := decl.Recv.List[0].Type; ; {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}
