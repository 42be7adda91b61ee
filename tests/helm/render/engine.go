package main

import (
	"fmt"
	"path"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/semver"
)

// Release is what templates see as .Release.
type Release struct {
	Name      string
	Namespace string
	Service   string
	IsInstall bool
	IsUpgrade bool
	Revision  int
}

// Capabilities is what templates see as .Capabilities.
type Capabilities struct {
	KubeVersion KubeVersion
	APIVersions VersionSet
	HelmVersion struct{ Version, GoVersion string }
}

type KubeVersion struct{ Version, Major, Minor string }

func (v KubeVersion) String() string     { return v.Version }
func (v KubeVersion) GitVersion() string { return v.Version }

type VersionSet []string

func (set VersionSet) Has(version string) bool {
	for _, known := range set {
		if known == version {
			return true
		}
	}
	return false
}

func newCapabilities(kubeVersion, apiVersions string) (*Capabilities, error) {
	parsed, err := semver.NewVersion(kubeVersion)
	if err != nil {
		return nil, fmt.Errorf("--kube-version %s: %w", kubeVersion, err)
	}
	capabilities := &Capabilities{APIVersions: VersionSet{"v1", "apps/v1", "policy/v1", "networking.k8s.io/v1", "batch/v1"}}
	capabilities.KubeVersion = KubeVersion{"v" + parsed.String(), fmt.Sprint(parsed.Major()), fmt.Sprint(parsed.Minor())}
	capabilities.HelmVersion.Version = "v3.11.0"
	if apiVersions != "" {
		capabilities.APIVersions = append(capabilities.APIVersions, strings.Split(apiVersions, ",")...)
	}
	return capabilities, nil
}

func satisfies(version, constraint string) error {
	wanted, err := semver.NewConstraint(constraint)
	if err != nil {
		return fmt.Errorf("version %q: %w", constraint, err)
	}
	is, err := semver.NewVersion(version)
	if err != nil {
		return fmt.Errorf("version %q: %w", version, err)
	}
	if !wanted.Check(is) {
		return fmt.Errorf("version %s is wanted, but %s is there", constraint, version)
	}
	return nil
}

func (c *Capabilities) fit(chart *Chart) error {
	if wanted := chart.Metadata.KubeVersion; wanted != "" && satisfies(c.KubeVersion.Version, wanted) != nil {
		return fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", wanted,
			c.KubeVersion.Version)
	}
	for _, sub := range chart.Dependencies {
		if err := c.fit(sub); err != nil {
			return err
		}
	}
	return nil
}

// What templates see as .Chart.
type chartView struct {
	Metadata
	IsRoot bool
}

type source struct {
	text  string
	scope map[string]interface{}
	base  string
}

// collect lists the templates of a chart and of those below it, each with what it sees as `.`; it returns the chart's
// own scope, which its parent has as .Subcharts.NAME.
func collect(chart *Chart, values map[string]interface{}, release Release, capabilities *Capabilities,
	sources map[string]source) map[string]interface{} {
	subcharts := map[string]interface{}{}
	scope := map[string]interface{}{
		"Chart":        chartView{chart.Metadata, chart.parent == nil},
		"Files":        newFiles(chart.Files),
		"Release":      release,
		"Capabilities": capabilities,
		"Values":       values,
		"Subcharts":    subcharts,
	}
	for _, sub := range chart.Dependencies {
		name := sub.Metadata.Name
		subcharts[name] = collect(sub, values[name].(map[string]interface{}), release, capabilities, sources)
	}
	for _, file := range chart.Templates {
		if chart.Metadata.Type == "library" && !strings.HasPrefix(path.Base(file.Name), "_") {
			continue
		}
		name := path.Join(chart.fullPath(), file.Name)
		sources[name] = source{string(file.Data), scope, path.Join(chart.fullPath(), "templates")}
	}
	return scope
}

// render executes every template that is not a partial one. The result is by the template's path.
func render(chart *Chart, values map[string]interface{}, release Release, capabilities *Capabilities,
	lenient bool) (map[string]string, error) {
	sources := map[string]source{}
	collect(chart, values, release, capabilities, sources)
	// What stands deeper is parsed first, so that a chart can define anew what one below it defines.
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := strings.Count(names[i], "/"), strings.Count(names[j], "/")
		if a != b {
			return a > b
		}
		return names[i] > names[j]
	})
	missing := "missingkey=error"
	if lenient {
		missing = "missingkey=zero"
	}
	all := template.New("gotpl").Option(missing)
	all.Funcs(functions(all, missing, 0))
	for _, name := range names {
		if _, err := all.New(name).Parse(sources[name].text); err != nil {
			return nil, fmt.Errorf("parse error: %w", err)
		}
	}
	rendered := map[string]string{}
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		scope := sources[name].scope
		scope["Template"] = map[string]interface{}{"Name": name, "BasePath": sources[name].base}
		var text strings.Builder
		if err := all.ExecuteTemplate(&text, name, scope); err != nil {
			return nil, fmt.Errorf("execution error: %w", err)
		}
		if !lenient && strings.Contains(text.String(), "<no value>") {
			return nil, fmt.Errorf("%s: a value that is null is printed as <no value>", name)
		}
		rendered[name] = strings.ReplaceAll(text.String(), "<no value>", "") // as Helm does it
	}
	return rendered, nil
}
