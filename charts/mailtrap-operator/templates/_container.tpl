{{- define "mailtrap-operator.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A setting that is not given keeps the operator's own default. */}}
{{- define "mailtrap-operator.environment" -}}
- name: MAILTRAP_OPERATOR_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: MAILTRAP_OPERATOR_LEADER_ELECTION
  value: {{ .Values.leaderElection.enabled | quote }}
- name: MAILTRAP_OPERATOR_WATCH_SECRETS
  value: {{ .Values.watchSecrets | quote }}
- name: MAILTRAP_OPERATOR_LOG_LEVEL
  value: {{ .Values.log.level }}
- name: MAILTRAP_OPERATOR_LOG_FORMAT
  value: {{ .Values.log.format }}
{{- with .Values.watchNamespaces }}
- name: MAILTRAP_OPERATOR_WATCH_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
- name: MAILTRAP_OPERATOR_{{ $name | snakecase | upper }}
  value: {{ kindIs "slice" $value | ternary (join "," $value) (toString $value) | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
