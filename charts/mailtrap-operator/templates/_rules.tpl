{{/*
What the operator calls, as RBAC rules. The first are needed wherever it serves ApiTokens: in a ClusterRole, or in
a Role of each watched namespace.
*/}}
{{- define "mailtrap-operator.servingRules" -}}
- apiGroups: [mailtrap-operator.io]
  resources: [apitokens, mailtrapaccounts{{ if not .Values.watchNamespaces }}, clustermailtrapaccounts{{ end }}]
  verbs: [get, list, watch, patch]
- apiGroups: [mailtrap-operator.io]
  resources:
    - apitokens/status
    - mailtrapaccounts/status
    {{- if not .Values.watchNamespaces }}
    - clustermailtrapaccounts/status
    {{- end }}
  verbs: [update]
# Those with token values are written whole; of those with credentials only the finalizers are patched.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, {{ if .Values.watchSecrets }}list, watch, {{ end }}create, update, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, get, patch]
# Restarts of the workloads that an ApiToken names.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, list, patch]
{{- end }}
