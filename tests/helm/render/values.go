package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

// givenValues are those of -f and --set, later ones over earlier ones. A null stays: it takes a default away.
func givenValues(files, settings []string) (map[string]interface{}, error) {
	values := map[string]interface{}{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		read := map[string]interface{}{}
		if err := yaml.UnmarshalStrict(data, &read); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		mergeOver(values, read)
	}
	for _, setting := range settings {
		path, text, found := strings.Cut(setting, "=")
		if !found || strings.ContainsAny(setting, `{}[]\,`) {
			return nil, fmt.Errorf("--set %s: only a.b=c is understood here", setting)
		}
		mergeOver(values, nested(strings.Split(path, "."), typed(text)))
	}
	return values, nil
}

func nested(path []string, value interface{}) map[string]interface{} {
	if len(path) == 1 {
		return map[string]interface{}{path[0]: value}
	}
	return map[string]interface{}{path[0]: nested(path[1:], value)}
}

func typed(text string) interface{} {
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if number, err := strconv.ParseInt(text, 10, 64); err == nil && (text == "0" || text[0] != '0') {
		return number
	}
	return text
}

func mergeOver(values, over map[string]interface{}) {
	for key, value := range over {
		table, isTable := value.(map[string]interface{})
		below, hasTable := values[key].(map[string]interface{})
		if isTable && hasTable {
			mergeOver(below, table)
		} else {
			values[key] = value
		}
	}
}

// coalesce lays the values that were given over the chart's own, and so on for the charts that it depends on: theirs
// stand below their names, and `global` is everybody's.
func coalesce(chart *Chart, given map[string]interface{}) (map[string]interface{}, error) {
	values := copyOf(given).(map[string]interface{})
	err := fillFrom(values, copyOf(chart.Values).(map[string]interface{}), chart.Metadata.Name)
	if err != nil && chart.Schema == nil { // a schema says it better
		return nil, err
	}
	for _, sub := range chart.Dependencies {
		name := sub.Metadata.Name
		if values[name] == nil {
			values[name] = map[string]interface{}{}
		}
		own, isTable := values[name].(map[string]interface{})
		if !isTable {
			return nil, fmt.Errorf("type mismatch on %s: a table is needed", name)
		}
		if err := shareGlobals(own, values); err != nil {
			return nil, err
		}
		filled, err := coalesce(sub, own)
		if err != nil {
			return nil, err
		}
		values[name] = filled
	}
	return values, nil
}

// fillFrom adds the defaults that are not there. A null that was given takes its default away. Helm only warns where a
// table meets something else, and what was given stays; here it is an error as well.
func fillFrom(values, defaults map[string]interface{}, where string) (mismatch error) {
	for key, value := range defaults {
		given, found := values[key]
		if !found {
			values[key] = value
			continue
		}
		if given == nil {
			delete(values, key)
			continue
		}
		table, isTable := value.(map[string]interface{})
		below, givesTable := given.(map[string]interface{})
		if isTable && givesTable {
			if err := fillFrom(below, table, where+"."+key); err != nil {
				mismatch = err
			}
		} else if isTable != givesTable && value != nil {
			mismatch = fmt.Errorf("%s.%s: a table and something else meet", where, key)
		}
	}
	return mismatch
}

func shareGlobals(below, values map[string]interface{}) error {
	globals, isTable := values["global"].(map[string]interface{})
	if values["global"] != nil && !isTable {
		return fmt.Errorf("global must be a table")
	}
	if globals == nil {
		globals = map[string]interface{}{}
	}
	own, _ := below["global"].(map[string]interface{})
	if own == nil {
		own = map[string]interface{}{}
	}
	mergeOver(own, copyOf(globals).(map[string]interface{}))
	below["global"] = own
	return nil
}

func copyOf(value interface{}) interface{} {
	switch value := value.(type) {
	case map[string]interface{}:
		copied := make(map[string]interface{}, len(value))
		for key, member := range value {
			copied[key] = copyOf(member)
		}
		return copied
	case []interface{}:
		copied := make([]interface{}, len(value))
		for at, item := range value {
			copied[at] = copyOf(item)
		}
		return copied
	}
	return value
}

// validate holds the values against values.schema.json of the chart and of those that it depends on, with the library
// that Helm used for it until 3.17.
func validate(chart *Chart, values map[string]interface{}) string {
	var problems strings.Builder
	if chart.Schema != nil {
		data, err := json.Marshal(values)
		if err == nil {
			problems.WriteString(against(chart, data))
		} else {
			problems.WriteString(err.Error())
		}
	}
	for _, sub := range chart.Dependencies {
		problems.WriteString(validate(sub, values[sub.Metadata.Name].(map[string]interface{})))
	}
	return problems.String()
}

func against(chart *Chart, data []byte) string {
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(chart.Schema), gojsonschema.NewBytesLoader(data))
	if err != nil {
		return fmt.Sprintf("%s: %v\n", chart.Metadata.Name, err)
	}
	if result.Valid() {
		return ""
	}
	text := chart.Metadata.Name + ":\n"
	for _, problem := range result.Errors() {
		text += "- " + problem.String() + "\n"
	}
	return text
}
