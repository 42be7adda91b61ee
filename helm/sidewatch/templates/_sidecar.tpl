{{/* What another chart puts into its pod. Each of these is given the scope of this chart, which is .Subcharts.sidewatch
     there (or .Subcharts.ALIAS), and prints what stands below the key of its name, or nothing:

       metadata:
         labels:
           {{- include "sidewatch.podLabels" .Subcharts.sidewatch | nindent 8 }}
         annotations:
           {{- include "sidewatch.podAnnotations" .Subcharts.sidewatch | nindent 8 }}
       spec:
         {{- include "sidewatch.podSpec" .Subcharts.sidewatch | nindent 6 }}
         initContainers:
           {{- include "sidewatch.initContainers" .Subcharts.sidewatch | nindent 8 }}
         containers:
           {{- include "sidewatch.containers" .Subcharts.sidewatch | nindent 8 }}
         volumes:
           {{- include "sidewatch.volumes" .Subcharts.sidewatch | nindent 8 }}
*/}}

{{- define "sidewatch.initContainers" -}}
{{- if include "sidewatch.isNative" . -}}
- restartPolicy: Always
  {{- include "sidewatch.container" . | nindent 2 }}
{{- end -}}
{{- end }}

{{- define "sidewatch.containers" -}}
{{- if and (include "sidewatch.isSidecar" .) (not (include "sidewatch.isNative" .)) -}}
- {{ include "sidewatch.container" . | nindent 2 | trim }}
{{- end -}}
{{- end }}

{{- define "sidewatch.volumes" -}}
{{- if include "sidewatch.isSidecar" . }}{{ include "sidewatch.volumeList" . }}{{ end -}}
{{- end }}

{{- define "sidewatch.podSpec" -}}
{{- if and (include "sidewatch.isSidecar" .) .Values.sidecar.shareProcessNamespace }}shareProcessNamespace: true{{ end -}}
{{- end }}

{{/* They change with the configuration, so that the pods are replaced and read it. The secrets are not among them: a
     checksum in an annotation would let whoever may read pods try passwords against it, and the agent reads what is exactly
     ${file:...} anew at each use anyway. */}}
{{- define "sidewatch.podAnnotations" -}}
{{- if and .Values.enabled (not .Values.existingConfigMap) -}}
checksum/{{ include "sidewatch.name" . }}-config: {{ include "sidewatch.configData" . | sha256sum }}
{{- end -}}
{{- end }}

{{/* "true", or nothing where the chart is switched off; an error where it makes pods of its own. */}}
{{- define "sidewatch.isSidecar" -}}
{{- $mode := include "sidewatch.mode" . -}}
{{- if ne $mode "sidecar" -}}
{{- fail (printf "this chart takes sidewatch into its pod, but its mode is %s: set %s.mode to sidecar, or leave it out" $mode .Chart.Name) -}}
{{- end -}}
{{- if .Values.enabled }}true{{ end -}}
{{- end }}

{{- define "sidewatch.isNative" -}}
{{- if include "sidewatch.isSidecar" . -}}
{{- if eq (toString .Values.sidecar.native) "auto" -}}
{{- if semverCompare ">=1.29.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- else if .Values.sidecar.native }}true{{ end -}}
{{- end -}}
{{- end }}
