{{/* sidewatch.yaml. What the mode brings is made as a table, the values are laid over it, and the whole is written as YAML
     once: nothing of the values is ever read as a template, unless tplConfig asks for it. */}}

{{- define "sidewatch.config" -}}
{{- $text := .Values.configText | default (include "sidewatch.configFromValues" .) -}}
{{- if .Values.tplConfig }}{{ tpl $text . }}{{ else }}{{ $text }}{{ end -}}
{{- end }}

{{/* What is mounted at /etc/sidewatch, as the data of a ConfigMap. */}}
{{- define "sidewatch.configData" -}}
{{- $data := dict "sidewatch.yaml" (include "sidewatch.config" .) -}}
{{- range $name, $content := .Values.ruleFiles -}}
{{- $_ := set $data (printf "rules.%s" $name) (kindIs "string" $content | ternary $content (toYaml $content)) -}}
{{- end -}}
{{- include "sidewatch.toYaml" $data -}}
{{- end }}

{{/* Where toYaml fails it gives nothing and says nothing: everything would be gone. */}}
{{- define "sidewatch.toYaml" -}}
{{- toYaml . | required "a text in the values holds a control character, which cannot be written as YAML" -}}
{{- end }}

{{- define "sidewatch.configFromValues" -}}
{{- $config := include "sidewatch.baseConfig" . | fromYaml -}}
{{- $given := deepCopy (.Values.config | default dict) -}}
{{- $lists := include "sidewatch.baseLists" . | fromYaml -}}
{{- include "sidewatch.overlay" (list $config $given) -}}
{{- $collectors := get $config "collectors" | default dict -}}
{{- $processes := concat $lists.process (get $collectors "process" | default list) -}}
{{- if $processes }}{{ $_ := set $collectors "process" $processes }}{{ end -}}
{{- if $lists.targets -}}
{{- $container := get $collectors "container" | default dict -}}
{{- $_ := set $container "targets" (concat $lists.targets (get $container "targets" | default list)) -}}
{{- $_ := set $collectors "container" $container -}}
{{- end -}}
{{- if and (eq (include "sidewatch.mode" .) "deployment") (not $collectors) -}}
{{- fail "a deployment watches what config.collectors names, and nothing stands there: give it a database, as in config: {collectors: {redis: [{name: cache, address: \"redis:6379\"}]}}" -}}
{{- end -}}
{{- if $collectors }}{{ $_ := set $config "collectors" $collectors }}{{ end -}}
{{- include "sidewatch.addRules" (list . $config) -}}
{{- include "sidewatch.checkListen" (list . $config) -}}
{{- include "sidewatch.toYaml" $config -}}
{{- end }}

{{/* What stands in sidewatch.yaml before the values are laid over it. */}}
{{- define "sidewatch.baseConfig" -}}
{{- $mode := include "sidewatch.mode" . -}}
agent:
  interval: 5s
  {{- if ne .Values.state.kind "none" }}
  state_dir: /var/lib/sidewatch
  {{- end }}
  {{- if eq $mode "daemonset" }}
  host: "${NODE_NAME:-}"
  {{- end }}
  labels:
    {{- if eq $mode "daemonset" }}
    node: "${NODE_NAME:-}"
    {{- else }}
    namespace: "${POD_NAMESPACE:-}"
    {{- end }}
    {{- if eq $mode "sidecar" }}
    pod: "${POD_NAME:-}"
    {{- end }}
http:
  listen: [":{{ int .Values.port }}"]
history:
  max_bytes: 16MiB
limits:
  max_query_samples: 1000000
{{- if eq $mode "daemonset" }}
collectors:
  host:
    roots: {procfs: /host/proc, sysfs: /host/sys, rootfs: /host/root}
    # Not what belongs to the pods: their mounts, and their ends of the network.
    filesystems:
      mounts:
        exclude: '^/(dev|proc|run/(containerd|credentials|k3s/containerd|netns)/.+|sys|var/lib/(containerd|containers/storage|docker|kubelet)/.+)($|/)'
    interfaces:
      exclude: '^((veth|cali|lxc|eni).*|[a-f0-9]{15})$'
{{- end }}
{{- end }}

{{/* The lists that the values are added to: one entry for each target of a sidecar. */}}
{{- define "sidewatch.baseLists" -}}
{{- $process := list -}}
{{- $targets := list -}}
{{- if eq (include "sidewatch.mode" .) "sidecar" -}}
{{- range $at, $given := .Values.sidecar.targets -}}
{{- $variable := include "sidewatch.limitVariable" $given.container -}}
{{- $limits := dict "memory" (printf "${%s_MEMORY_LIMIT:-}" $variable) "cpu" (printf "${%s_CPU_LIMIT:-}m" $variable) -}}
{{- $target := dict "name" $given.container "limits" $limits -}}
{{- if get $given "labels" }}{{ $_ := set $target "labels" $given.labels }}{{ end -}}
{{- if get $given "process" -}}
{{- if not $.Values.sidecar.shareProcessNamespace -}}
{{- fail (printf "sidecar.targets[%d].process: processes of other containers are only seen with sidecar.shareProcessNamespace: true" $at) -}}
{{- end -}}
{{- $_ := set $target "process" $given.process -}}
{{- $process = append $process (dict "name" $given.container "match" $given.process) -}}
{{- end -}}
{{- $targets = append $targets $target -}}
{{- end -}}
{{- end -}}
{{- toYaml (dict "process" $process "targets" $targets) -}}
{{- end }}

{{- define "sidewatch.limitVariable" -}}
TARGET_{{ regexReplaceAll "[^A-Z0-9]" (upper .) "_" }}
{{- end }}

{{/* (list SCOPE CONFIG): adds rules, receivers and the shipped rules for what is watched. */}}
{{- define "sidewatch.addRules" -}}
{{- $values := (index . 0).Values -}}
{{- $config := index . 1 -}}
{{- $rules := concat (get $config "rules" | default list) ($values.rules | default list) -}}
{{- if $rules }}{{ $_ := set $config "rules" $rules }}{{ end -}}
{{- $receivers := concat (get $config "receivers" | default list) ($values.receivers | default list) -}}
{{- $_ := set $config "receivers" ($receivers | default (list (dict "name" "log" "log" dict))) -}}
{{- if $values.ruleFiles -}}
{{- $_ := set $config "rule_files" (append (get $config "rule_files" | default list) "rules/*") -}}
{{- end -}}
{{- if not (hasKey $config "shipped_rules") -}}
{{- $shipped := list -}}
{{- range list "host" "process" "container" "sqlite" "postgresql" "mysql" "redis" "memcached" "exec" "heartbeat" "statsd" "probe" -}}
{{- if hasKey (get $config "collectors" | default dict) . }}{{ $shipped = append $shipped . }}{{ end -}}
{{- end -}}
{{- if $shipped }}{{ $_ := set $config "shipped_rules" $shipped }}{{ end -}}
{{- end -}}
{{- end }}

{{/* (list SCOPE CONFIG): an error where the kubelet would ask a port that nobody listens on, and end the agent for it. */}}
{{- define "sidewatch.checkListen" -}}
{{- $scope := index . 0 -}}
{{- $values := $scope.Values -}}
{{- $reached := true -}}
{{- range $kind, $_ := $values.probes -}}
{{- if include "sidewatch.probeIsOn" (list $scope $kind) }}{{ $reached = false }}{{ end -}}
{{- end -}}
{{- $listen := get (get (index . 1) "http" | default dict) "listen" -}}
{{- range kindIs "slice" $listen | ternary $listen (list $listen) -}}
{{- $is := toString . -}}
{{- $isLoopback := or (hasPrefix "127." $is) (hasPrefix "localhost" $is) (hasPrefix "[::1]" $is) -}}
{{- if or (contains "{{" $is) (contains "${" $is) (and (hasSuffix (printf ":%d" (int $values.port)) $is) (not $isLoopback)) -}}
{{- $reached = true -}}
{{- end -}}
{{- end -}}
{{- if not $reached -}}
{{- fail (printf "config.http.listen: Kubernetes' probes ask port %d of the pod's address, and nobody listens there: leave config.http.listen out (port sets the port), or set enabled of each of probes to false" (int $values.port)) -}}
{{- end -}}
{{- end }}

{{/* (list BELOW OVER): lays a table over another one, in place. Unlike merge it also lays what is false, 0 or empty. */}}
{{- define "sidewatch.overlay" -}}
{{- $below := index . 0 -}}
{{- range $key, $value := index . 1 -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $below $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $below $key)) -}}
{{- include "sidewatch.overlay" (list (get $below $key) $value) -}}
{{- else -}}
{{- $_ := set $below $key $value -}}
{{- end -}}
{{- end -}}
{{- end }}
