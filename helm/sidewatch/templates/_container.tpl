{{/* The agent's container and its volumes: the same as a sidecar and by itself. */}}

{{- define "sidewatch.container" -}}
{{- $name := include "sidewatch.name" . -}}
name: {{ $name | quote }}
image: {{ include "sidewatch.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [run, --config, /etc/sidewatch/sidewatch.yaml]
terminationMessagePolicy: FallbackToLogsOnError
env:
  {{- include "sidewatch.env" . | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: {{ include "sidewatch.portName" . | quote }}
    containerPort: {{ int .Values.port }}
    protocol: TCP
{{- include "sidewatch.probe" (list . "startup" "/-/healthy") }}
{{- include "sidewatch.probe" (list . "liveness" "/-/healthy") }}
{{- include "sidewatch.probe" (list . "readiness" "/-/ready") }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - {name: {{ $name }}-config, mountPath: /etc/sidewatch, readOnly: true}
  {{- if ne .Values.state.kind "none" }}
  - {name: {{ $name }}-state, mountPath: /var/lib/sidewatch}
  {{- end }}
  {{- if include "sidewatch.secretName" . }}
  - {name: {{ $name }}-secrets, mountPath: /run/secrets/sidewatch, readOnly: true}
  {{- end }}
  {{- if eq (include "sidewatch.mode" .) "daemonset" }}
  {{- /* From 1.31 on with all that is mounted below them. What is mounted below / comes and goes, which rules that out. */}}
  {{- $recursive := semverCompare ">=1.31.0-0" .Capabilities.KubeVersion.Version | ternary ", recursiveReadOnly: IfPossible" "" }}
  - {name: {{ $name }}-proc, mountPath: /host/proc, readOnly: true{{ $recursive }}}
  - {name: {{ $name }}-sys, mountPath: /host/sys, readOnly: true{{ $recursive }}}
  - {name: {{ $name }}-root, mountPath: /host/root, readOnly: true, mountPropagation: HostToContainer}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "sidewatch.portName" -}}
{{ include "sidewatch.name" . | trunc 15 | trimSuffix "-" }}
{{- end }}

{{- define "sidewatch.env" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
{{- if eq (include "sidewatch.mode" .) "sidecar" }}
{{- range .Values.sidecar.targets }}
- name: {{ include "sidewatch.limitVariable" .container }}_MEMORY_LIMIT
  valueFrom: {resourceFieldRef: {containerName: {{ .container | quote }}, resource: limits.memory}}
- name: {{ include "sidewatch.limitVariable" .container }}_CPU_LIMIT
  valueFrom: {resourceFieldRef: {containerName: {{ .container | quote }}, resource: limits.cpu, divisor: 1m}}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (list SCOPE KIND PATH) */}}
{{- define "sidewatch.probe" -}}
{{- $scope := index . 0 -}}
{{- $kind := index . 1 -}}
{{- $probe := get $scope.Values.probes $kind -}}
{{- if include "sidewatch.probeIsOn" (list $scope $kind) }}
{{ $kind }}Probe:
  httpGet: {path: {{ index . 2 }}, port: {{ int $scope.Values.port }}}
  {{- toYaml (omit $probe "enabled") | nindent 2 }}
{{- end }}
{{- end }}

{{/* (list SCOPE KIND): "true", or nothing. The one for liveness is on for sidecars, too. */}}
{{- define "sidewatch.probeIsOn" -}}
{{- $enabled := (get (index . 0).Values.probes (index . 1)).enabled -}}
{{- if and (eq (index . 1) "liveness") (eq (toString $enabled) "auto") }}true{{ else }}{{ include "sidewatch.isOn" (list (index . 0) $enabled) }}{{ end -}}
{{- end }}

{{- define "sidewatch.secretName" -}}
{{- $secrets := .Values.secrets | default dict -}}
{{- if and (get $secrets "existingSecret") (get $secrets "data") -}}
{{- fail "secrets.existingSecret and secrets.data are both set: put all keys into one of them" -}}
{{- end -}}
{{- if get $secrets "data" }}{{ include "sidewatch.nameWith" (list . "secrets") }}{{ else }}{{ get $secrets "existingSecret" }}{{ end -}}
{{- end }}

{{- define "sidewatch.configMapName" -}}
{{ .Values.existingConfigMap | default (include "sidewatch.fullname" .) }}
{{- end }}

{{- define "sidewatch.volumeList" -}}
{{- $name := include "sidewatch.name" . -}}
- name: {{ $name }}-config
  configMap:
    name: {{ include "sidewatch.configMapName" . | quote }}
    {{- if and .Values.ruleFiles (not .Values.existingConfigMap) }}
    items:
      - {key: sidewatch.yaml, path: sidewatch.yaml}
      {{- range $file, $content := .Values.ruleFiles }}
      - {key: {{ printf "rules.%s" $file | quote }}, path: {{ printf "rules/%s" $file | quote }}}
      {{- end }}
    {{- end }}
{{- if ne .Values.state.kind "none" }}
- name: {{ $name }}-state
  {{- include "sidewatch.stateSource" . | nindent 2 }}
{{- end }}
{{- with include "sidewatch.secretName" . }}
- name: {{ $name }}-secrets
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- if eq (include "sidewatch.mode" .) "daemonset" }}
- {name: {{ $name }}-proc, hostPath: {path: /proc, type: Directory}}
- {name: {{ $name }}-sys, hostPath: {path: /sys, type: Directory}}
- {name: {{ $name }}-root, hostPath: {path: /, type: Directory}}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sidewatch.stateSource" -}}
{{- $mode := include "sidewatch.mode" . -}}
{{- $kind := .Values.state.kind -}}
{{- if eq $kind "emptyDir" -}}
emptyDir: {sizeLimit: {{ .Values.state.sizeLimit | quote }}}
{{- else if eq $kind "hostPath" -}}
{{- if ne $mode "daemonset" }}{{ fail (printf "state.kind: hostPath is for daemonsets: the pod of a %s does not stay on its node" $mode) }}{{ end -}}
hostPath: {path: {{ required "state.hostPath: give the folder of the node that the agent's user may write to" .Values.state.hostPath | quote }}, type: Directory}
{{- else -}}
{{- if eq $mode "daemonset" }}{{ fail "state.kind: persistentVolumeClaim cannot be shared by the pods of a daemonset: take emptyDir or hostPath" }}{{ end -}}
{{- if and (eq $mode "sidecar") (not .Values.state.existingClaim) -}}
{{- fail "state.existingClaim: a sidecar cannot have a claim made for it, since its pod may have replicas: name one of yours, or take state.kind: emptyDir" -}}
{{- end -}}
persistentVolumeClaim: {claimName: {{ .Values.state.existingClaim | default (include "sidewatch.nameWith" (list . "state")) | quote }}}
{{- end -}}
{{- end }}
