{{/* Names are cut to 55 characters, so that each with the longest of the suffixes, "-metrics", has at most 63. */}}
{{- define "mailtrap-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 55 | trimSuffix "-" }}
{{- end }}

{{- define "mailtrap-operator.fullname" -}}
{{- $name := include "mailtrap-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "mailtrap-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "mailtrap-operator.fullname" .) }}
{{- else }}
{{- required "serviceAccount.name: name the ServiceAccount to use, or let the chart create one (serviceAccount.create)" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "mailtrap-operator.image" -}}
{{- with .Values.image }}
{{- $repository := required "image.repository: name the repository that you have pushed the image to, such as registry.example.com/mailtrap-operator; none is published (docs/install.md says how to build it)" .repository }}
{{- if .digest }}
{{- printf "%s@%s" $repository .digest }}
{{- else }}
{{- printf "%s:%s" $repository (.tag | default $.Chart.AppVersion) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mailtrap-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mailtrap-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "mailtrap-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "mailtrap-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
