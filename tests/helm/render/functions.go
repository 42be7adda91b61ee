package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

const (
	maxIncludes = 1000 // of one name within itself, as in Helm
	maxTplDepth = 100  // of tpl within tpl
)

// functions are those that Helm's templates have: sprig's without those that look at the machine, and Helm's own.
func functions(all *template.Template, missing string, depth int) template.FuncMap {
	table := sprig.TxtFuncMap()
	delete(table, "env")
	delete(table, "expandenv")
	// A chart whose objects differ from one rendering to the next cannot be held against anything.
	for name := range table {
		if strings.HasPrefix(name, "rand") || strings.HasPrefix(name, "gen") || name == "now" || name == "uuidv4" {
			delete(table, name)
		}
	}
	table["toYaml"] = toYAML
	table["fromYaml"] = func(text string) map[string]interface{} {
		read := map[string]interface{}{}
		if err := yaml.Unmarshal([]byte(text), &read); err != nil {
			read["Error"] = err.Error()
		}
		return read
	}
	table["fromYamlArray"] = func(text string) []interface{} {
		read := []interface{}{}
		if err := yaml.Unmarshal([]byte(text), &read); err != nil {
			read = []interface{}{err.Error()}
		}
		return read
	}
	table["toJson"] = func(value interface{}) string {
		data, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(data)
	}
	table["fromJson"] = func(text string) map[string]interface{} {
		read := map[string]interface{}{}
		if err := json.Unmarshal([]byte(text), &read); err != nil {
			read["Error"] = err.Error()
		}
		return read
	}
	table["fromJsonArray"] = func(text string) []interface{} {
		read := []interface{}{}
		if err := json.Unmarshal([]byte(text), &read); err != nil {
			read = []interface{}{err.Error()}
		}
		return read
	}
	table["required"] = func(message string, value interface{}) (interface{}, error) {
		if text, isText := value.(string); value == nil || (isText && text == "") {
			return value, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	table["fail"] = func(message string) (string, error) { return "", fmt.Errorf("%s", message) }
	table["lookup"] = func(string, string, string, string) map[string]interface{} { return map[string]interface{}{} }
	table["getHostByName"] = func(string) string { return "" }
	table["include"] = includer(all)
	table["tpl"] = func(text string, scope interface{}) (string, error) {
		if depth >= maxTplDepth {
			return "", fmt.Errorf("tpl within tpl, %d times", depth)
		}
		own, err := all.Clone()
		if err != nil {
			return "", err
		}
		own.Option(missing).Funcs(functions(own, missing, depth+1)) // a clone begins without options
		parsed, err := own.New("tpl").Parse(text)
		if err != nil {
			return "", fmt.Errorf("cannot parse template %q: %w", text, err)
		}
		var out strings.Builder
		if err := parsed.Execute(&out, scope); err != nil {
			return "", fmt.Errorf("error during tpl function execution for %q: %w", text, err)
		}
		return out.String(), nil
	}
	return table
}

func includer(all *template.Template) func(string, interface{}) (string, error) {
	within := map[string]int{}
	return func(name string, scope interface{}) (string, error) {
		if within[name] >= maxIncludes {
			return "", fmt.Errorf("rendering template has a nested reference name: %s", name)
		}
		within[name]++
		defer func() { within[name]-- }()
		var out strings.Builder
		err := all.ExecuteTemplate(&out, name, scope)
		return out.String(), err
	}
}

func toYAML(value interface{}) string {
	data, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

// Files is what templates see as .Files.
type Files map[string][]byte

func newFiles(list []File) Files {
	files := Files{}
	for _, file := range list {
		files[file.Name] = file.Data
	}
	return files
}

func (f Files) Get(name string) string      { return string(f[name]) }
func (f Files) GetBytes(name string) []byte { return f[name] }
func (f Files) Lines(name string) []string {
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}

func (f Files) Glob(pattern string) (Files, error) {
	if strings.Contains(pattern, "**") {
		return nil, fmt.Errorf("Glob %q: ** is not understood here", pattern)
	}
	found := Files{}
	for name, data := range f {
		matches, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if matches {
			found[name] = data
		}
	}
	return found, nil
}

func (f Files) AsConfig() string {
	texts := map[string]string{}
	for name, data := range f {
		texts[path.Base(name)] = string(data)
	}
	return toYAML(texts)
}

func (f Files) AsSecrets() string {
	texts := map[string]string{}
	for name, data := range f {
		texts[path.Base(name)] = base64.StdEncoding.EncodeToString(data)
	}
	return toYAML(texts)
}
