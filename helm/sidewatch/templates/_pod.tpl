{{/* The agent's own pod: of a daemonset or a deployment. */}}

{{- define "sidewatch.podTemplate" -}}
{{- $mode := include "sidewatch.mode" . -}}
metadata:
  labels:
    {{- include "sidewatch.labels" . | nindent 4 }}
    {{- include "sidewatch.podLabels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- include "sidewatch.podAnnotations" . | nindent 4 }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "sidewatch.serviceAccountName" . | quote }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if eq $mode "daemonset" }}
  hostPID: {{ .Values.daemonset.hostPID }}
  hostNetwork: {{ .Values.daemonset.hostNetwork }}
  {{- if .Values.daemonset.hostNetwork }}
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  {{- end }}
  containers:
    -
      {{- include "sidewatch.container" . | nindent 6 }}
  volumes:
    {{- include "sidewatch.volumeList" . | nindent 4 }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $everywhere := list (dict "operator" "Exists") }}
  {{- with .Values.tolerations | default (eq $mode "daemonset" | ternary $everywhere list) }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
{{- end }}
