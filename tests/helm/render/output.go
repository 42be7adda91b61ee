package main

import (
	"fmt"
	"path"
	"regexp"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// Result is what rendering gives: the text that `helm template` prints, each object of it, and the notes.
type Result struct {
	Text    string                   `json:"text"`
	Objects []map[string]interface{} `json:"objects"`
	Notes   string                   `json:"notes"`
}

var separator = regexp.MustCompile(`(?m)^---[ \t]*$`)

func takeApart(root string, texts map[string]string) (*Result, error) {
	result := &Result{Objects: []map[string]interface{}{}}
	names := make([]string, 0, len(texts))
	for name := range texts {
		names = append(names, name)
	}
	sort.Strings(names)
	seen := map[string]string{}
	for _, name := range names {
		if path.Base(name) == "NOTES.txt" {
			if path.Dir(name) == path.Join(root, "templates") {
				result.Notes = texts[name]
			}
			continue
		}
		for _, document := range separator.Split(texts[name], -1) {
			if strings.TrimSpace(document) == "" {
				continue
			}
			object := map[string]interface{}{}
			if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
				return nil, fmt.Errorf("YAML parse error on %s: %w\n%s", name, err, document)
			}
			if len(object) == 0 {
				continue // comments only
			}
			if err := unique(object, name, seen); err != nil {
				return nil, err
			}
			result.Objects = append(result.Objects, object)
			result.Text += "---\n# Source: " + name + "\n" + strings.Trim(document, "\n") + "\n"
		}
	}
	return result, nil
}

func unique(object map[string]interface{}, name string, seen map[string]string) error {
	metadata, _ := object["metadata"].(map[string]interface{})
	if object["apiVersion"] == nil || object["kind"] == nil || metadata["name"] == nil {
		return fmt.Errorf("%s: an object needs apiVersion, kind and metadata.name", name)
	}
	if annotations, _ := metadata["annotations"].(map[string]interface{}); annotations["helm.sh/hook"] != nil {
		return fmt.Errorf("%s: hooks are not understood here", name)
	}
	key := fmt.Sprint(object["apiVersion"], object["kind"], metadata["namespace"], metadata["name"])
	if other, found := seen[key]; found {
		return fmt.Errorf("%s and %s both make the %s %s", other, name, object["kind"], metadata["name"])
	}
	seen[key] = name
	return nil
}
