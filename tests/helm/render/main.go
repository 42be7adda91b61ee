// Renders a Helm chart as `helm template` does, where no Helm is at hand, and stricter: what a template asks of a value
// that is not there is an error, and so is a key that stands twice in what comes out.
//
//	helm-render [flags] CHART        with -f FILE (again and again), --set a.b=c, --name, --namespace,
//	                                 --kube-version, --api-versions a,b, --lenient, --json
//
// It prints what `helm template` prints, or with --json {"text", "objects", "notes"}. It refuses what it does not know
// how to do as Helm does (hooks, import-values, repositories that are not file://): a test must not pass by a mistake of
// its tool. chart.go reads charts, values.go merges values, engine.go and functions.go render, output.go takes the
// result apart.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
)

type repeated []string

func (r *repeated) String() string         { return strings.Join(*r, ",") }
func (r *repeated) Set(value string) error { *r = append(*r, value); return nil }

// What Helm allows: release names become parts of the names of objects.
var releaseName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

const maxReleaseName = 53

func main() {
	var files, settings repeated
	release := Release{Service: "Helm", IsInstall: true, Revision: 1}
	flag.Var(&files, "f", "a file of values; later ones win")
	flag.Var(&settings, "set", "one value, as in image.tag=1.2")
	flag.StringVar(&release.Name, "name", "release-name", "the name of the release")
	flag.StringVar(&release.Namespace, "namespace", "default", "the namespace that it is for")
	kubeVersion := flag.String("kube-version", "1.31.0", "the version of the cluster")
	apiVersions := flag.String("api-versions", "", "what the cluster has beside Kubernetes' own, with commas between")
	lenient := flag.Bool("lenient", false, "let templates ask for values that are not there, as Helm does unless it lints")
	asJSON := flag.Bool("json", false, "print the parsed objects, too")
	flag.Parse()
	if flag.NArg() != 1 {
		fail(fmt.Errorf("one chart is needed"))
	}
	if !releaseName.MatchString(release.Name) || len(release.Name) > maxReleaseName {
		fail(fmt.Errorf("invalid release name %q", release.Name))
	}
	capabilities, err := newCapabilities(*kubeVersion, *apiVersions)
	fail(err)
	result, err := renderAll(flag.Arg(0), files, settings, release, capabilities, *lenient)
	fail(err)
	if *asJSON {
		fail(json.NewEncoder(os.Stdout).Encode(result))
	} else {
		fmt.Print(result.Text)
		if result.Notes != "" {
			fmt.Fprint(os.Stderr, "\nNOTES:\n"+result.Notes)
		}
	}
}

func renderAll(path string, files, settings []string, release Release, capabilities *Capabilities,
	lenient bool) (*Result, error) {
	chart, err := loadChart(path)
	if err != nil {
		return nil, err
	}
	values, err := givenValues(files, settings)
	if err != nil {
		return nil, err
	}
	if err := chart.resolveDependencies(values); err != nil {
		return nil, err
	}
	if err := capabilities.fit(chart); err != nil {
		return nil, err
	}
	values, err = coalesce(chart, values)
	if err != nil {
		return nil, err
	}
	if problems := validate(chart, values); problems != "" {
		return nil, fmt.Errorf("values don't meet the specifications of the schema(s) in the following chart(s):\n%s", problems)
	}
	texts, err := render(chart, values, release, capabilities, lenient)
	if err != nil {
		return nil, err
	}
	return takeApart(chart.Metadata.Name, texts)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
