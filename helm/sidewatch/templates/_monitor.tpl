{{/* What ServiceMonitor and PodMonitor of the Prometheus Operator have in common. */}}

{{- /* (list SCOPE MONITOR) */ -}}
{{- define "sidewatch.monitorMetadata" -}}
{{- $scope := index . 0 -}}
{{- $monitor := index . 1 -}}
name: {{ include "sidewatch.fullname" $scope | quote }}
namespace: {{ $monitor.namespace | default $scope.Release.Namespace | quote }}
labels:
  {{- include "sidewatch.labels" $scope | nindent 2 }}
  {{- with $monitor.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* (list SCOPE MONITOR) */ -}}
{{- define "sidewatch.monitorEndpoint" -}}
{{- $scope := index . 0 -}}
{{- $monitor := index . 1 -}}
port: {{ include "sidewatch.portName" $scope | quote }}
path: /metrics
honorLabels: {{ $monitor.honorLabels }}
{{- with $monitor.interval }}
interval: {{ . | quote }}
{{- end }}
{{- with $monitor.scrapeTimeout }}
scrapeTimeout: {{ . | quote }}
{{- end }}
{{- with $monitor.relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
