{{/* What everything is called. */}}

{{/* The agent's name in the pod: of its container and, with an ending, of its volumes. At most 40 characters. */}}
{{- define "sidewatch.name" -}}
{{- .Values.nameOverride | default .Chart.Name | lower | replace "_" "-" | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The name of the objects. At most 63 characters. Where another chart takes this one in, it always ends in the chart's
     name (or its alias there), so that it is no object of that chart. */}}
{{- define "sidewatch.fullname" -}}
{{- $name := include "sidewatch.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if and .Chart.IsRoot (contains $name .Release.Name) -}}
{{- .Release.Name | replace "." "-" | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $room := int (sub 62 (len $name)) -}}
{{- printf "%s-%s" (.Release.Name | replace "." "-" | trunc $room | trimSuffix "-") $name -}}
{{- end -}}
{{- end }}

{{/* (list SCOPE ENDING): the name of the objects with an ending. At most 63 characters. */}}
{{- define "sidewatch.nameWith" -}}
{{- $room := int (sub 62 (len (index . 1))) -}}
{{- printf "%s-%s" (include "sidewatch.fullname" (index . 0) | trunc $room | trimSuffix "-") (index . 1) -}}
{{- end }}

{{- define "sidewatch.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{ include "sidewatch.ownLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sidewatch.ownLabels" -}}
app.kubernetes.io/name: {{ include "sidewatch.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The label of the pods that an agent of this release is in. A pod of two sidecars has two of them. */}}
{{- define "sidewatch.podLabels" -}}
sidewatch/{{ include "sidewatch.name" . }}: {{ include "sidewatch.fullname" . | quote }}
{{- end }}

{{- define "sidewatch.namespace" -}}
{{ .Release.Namespace }}
{{- end }}

{{- define "sidewatch.mode" -}}
{{- if ne .Values.mode "auto" }}{{ .Values.mode }}{{ else if .Chart.IsRoot }}daemonset{{ else }}sidecar{{ end -}}
{{- end }}

{{/* (list SCOPE VALUE): "true" where a value of true, false or auto (all but sidecars) says so, or else nothing. */}}
{{- define "sidewatch.isOn" -}}
{{- if eq (toString (index . 1)) "auto" -}}
{{- if ne (include "sidewatch.mode" (index . 0)) "sidecar" }}true{{ end -}}
{{- else if index . 1 }}true{{ end -}}
{{- end }}

{{- define "sidewatch.image" -}}
{{- $repository := required "image.repository is not set: build the image from the repository's Containerfile, push it to a registry that the cluster pulls from, and give its name, as in registry.example/sidewatch" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "sidewatch.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "sidewatch.fullname" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end -}}
{{- end }}
