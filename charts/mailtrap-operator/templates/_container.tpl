{{- define "mailtrap-operator.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Seconds of a duration such as 1h30m. */}}
{{- define "mailtrap-operator.seconds" -}}
{{- $hours := regexFind "[0-9]+h" . | trimSuffix "h" | atoi }}
{{- $minutes := regexFind "[0-9]+m" . | trimSuffix "m" | atoi }}
{{- $seconds := regexFind "[0-9]+s" . | trimSuffix "s" | atoi }}
{{- add (mul $hours 3600) (mul $minutes 60) $seconds }}
{{- end }}

{{/* What the operator would refuse at its start, with its own defaults for what is not given. */}}
{{- define "mailtrap-operator.checkSettings" -}}
{{- $timeout := .Values.settings.requestTimeout | default "10s" }}
{{- $settle := .Values.settings.settleTime | default "1m" }}
{{- if lt (include "mailtrap-operator.seconds" $settle | int64) (include "mailtrap-operator.seconds" $timeout | int64 | mul 4) }}
{{- printf "settings.settleTime (%s) must be at least 4 times settings.requestTimeout (%s)" $settle $timeout | fail }}
{{- end }}
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
