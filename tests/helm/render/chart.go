package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// Metadata is Chart.yaml. Templates see it as .Chart, so the fields have Helm's names.
type Metadata struct {
	APIVersion   string            `json:"apiVersion"`
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	AppVersion   string            `json:"appVersion"`
	KubeVersion  string            `json:"kubeVersion"`
	Description  string            `json:"description"`
	Type         string            `json:"type"`
	Home         string            `json:"home"`
	Icon         string            `json:"icon"`
	Keywords     []string          `json:"keywords"`
	Sources      []string          `json:"sources"`
	Maintainers  []Maintainer      `json:"maintainers"`
	Annotations  map[string]string `json:"annotations"`
	Dependencies []*Dependency     `json:"dependencies"`
}

type Maintainer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	URL   string `json:"url"`
}

type Dependency struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Repository string   `json:"repository"`
	Alias      string   `json:"alias"`
	Condition  string   `json:"condition"`
	Tags       []string `json:"tags"`
}

type File struct {
	Name string // below the chart's folder, with slashes
	Data []byte
}

// Chart is a folder with Chart.yaml, and the charts that it depends on.
type Chart struct {
	Metadata     Metadata
	Values       map[string]interface{}
	Schema       []byte
	Templates    []File
	Files        []File // all the others, for .Files
	Dependencies []*Chart
	parent       *Chart
	folder       string
}

func (c *Chart) fullPath() string {
	if c.parent == nil {
		return c.Metadata.Name
	}
	return path.Join(c.parent.fullPath(), "charts", c.Metadata.Name)
}

func loadChart(folder string) (*Chart, error) {
	chart := &Chart{folder: folder, Values: map[string]interface{}{}}
	names, err := filesBelow(folder)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		if err := chart.take(File{name, data}); err != nil {
			return nil, fmt.Errorf("%s/%s: %w", folder, name, err)
		}
	}
	if err := chart.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	return chart, nil
}

func (c *Chart) take(file File) error {
	switch {
	case file.Name == "Chart.yaml":
		return yaml.UnmarshalStrict(file.Data, &c.Metadata)
	case file.Name == "values.yaml":
		return yaml.UnmarshalStrict(file.Data, &c.Values)
	case file.Name == "values.schema.json":
		c.Schema = file.Data
	case file.Name == "Chart.lock" || strings.HasPrefix(file.Name, "charts/"):
	case strings.HasPrefix(file.Name, "templates/"):
		c.Templates = append(c.Templates, file)
	default:
		c.Files = append(c.Files, file)
	}
	return nil
}

func (c *Chart) check() error {
	m := c.Metadata
	if m.APIVersion != "v2" || m.Name == "" || m.Version == "" {
		return fmt.Errorf("Chart.yaml needs apiVersion: v2, a name and a version")
	}
	if m.Type != "" && m.Type != "application" && m.Type != "library" {
		return fmt.Errorf("chart type %q", m.Type)
	}
	return nil
}

// filesBelow lists the files of a chart that .helmignore does not name, sorted.
func filesBelow(folder string) ([]string, error) {
	ignored, err := readIgnore(filepath.Join(folder, ".helmignore"))
	if err != nil {
		return nil, err
	}
	var names []string
	err = filepath.Walk(folder, func(at string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, at)
		if err != nil || name == "." {
			return err
		}
		name = filepath.ToSlash(name)
		if info.IsDir() {
			if ignored.matches(name, true) || name == "charts" {
				return filepath.SkipDir
			}
			return nil
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", at)
		}
		if !ignored.matches(name, false) {
			names = append(names, name)
		}
		return nil
	})
	sort.Strings(names)
	return names, err
}

type ignoreRules []string

func readIgnore(file string) (ignoreRules, error) {
	data, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil, nil
	}
	var rules ignoreRules
	for _, line := range strings.Split(string(bytes.TrimSpace(data)), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "!") || strings.Contains(line, "**") {
			return nil, fmt.Errorf("%s: %q is not understood here", file, line)
		}
		if line != "" && !strings.HasPrefix(line, "#") {
			rules = append(rules, line)
		}
	}
	return rules, err
}

func (rules ignoreRules) matches(name string, isFolder bool) bool {
	for _, rule := range rules {
		if strings.HasSuffix(rule, "/") && !isFolder {
			continue
		}
		pattern := strings.Trim(rule, "/")
		subject := name
		if !strings.Contains(strings.TrimSuffix(rule, "/"), "/") {
			subject = path.Base(name)
		}
		if found, _ := path.Match(pattern, subject); found {
			return true
		}
	}
	return false
}

// resolveDependencies loads what Chart.yaml lists, as `helm dependency build` and the processing of conditions do it.
// A dependency of `file://` is read where it stands, so nothing need be copied to charts/ before.
func (c *Chart) resolveDependencies(values map[string]interface{}) error {
	for _, dependency := range c.Metadata.Dependencies {
		if len(dependency.Tags) > 0 {
			return fmt.Errorf("%s: tags of dependencies are not understood here", c.folder)
		}
		if !strings.HasPrefix(dependency.Repository, "file://") {
			return fmt.Errorf("%s: dependency %s: only file:// is understood here", c.folder, dependency.Name)
		}
		sub, err := loadChart(filepath.Join(c.folder, strings.TrimPrefix(dependency.Repository, "file://")))
		if err != nil {
			return err
		}
		if sub.Metadata.Name != dependency.Name {
			return fmt.Errorf("%s: dependency %s is called %s", c.folder, dependency.Name, sub.Metadata.Name)
		}
		if err := satisfies(sub.Metadata.Version, dependency.Version); err != nil {
			return fmt.Errorf("dependency %s: %w", dependency.Name, err)
		}
		if dependency.Alias != "" {
			sub.Metadata.Name = dependency.Alias
		}
		if isOff(dependency.Condition, c.Values, values) {
			continue
		}
		sub.parent = c
		given, _ := values[sub.Metadata.Name].(map[string]interface{})
		if err := sub.resolveDependencies(given); err != nil {
			return err
		}
		c.Dependencies = append(c.Dependencies, sub)
	}
	return nil
}

// isOff tells whether the first path of the condition that has a value says false. What is given goes before the
// chart's own values.
func isOff(condition string, own, given map[string]interface{}) bool {
	for _, path := range strings.Split(condition, ",") {
		for _, values := range []map[string]interface{}{given, own} {
			if on, found := lookUp(values, strings.Split(strings.TrimSpace(path), ".")).(bool); found {
				return !on
			}
		}
	}
	return false
}

func lookUp(values map[string]interface{}, path []string) interface{} {
	value := values[path[0]]
	if len(path) == 1 {
		return value
	}
	table, _ := value.(map[string]interface{})
	return lookUp(table, path[1:])
}
