{{- /* One release a cluster, because its webhook configurations are for the whole cluster; so its names are fixed. */ -}}
{{- define "sealward.labels" -}}
app.kubernetes.io/name: sealward
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "sealward.controllerSelector" -}}
app.kubernetes.io/name: sealward
app.kubernetes.io/component: controller
{{- end -}}

{{- define "sealward.selector" -}}
app.kubernetes.io/name: sealward
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "sealward.image" -}}
{{- $name := required "image.repository is missing: where the image of Sealward is, as in registry.example/sealward" .Values.image.repository -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- if .Values.image.digest -}}
{{- printf "%s:%s@%s" $name $tag .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name $tag -}}
{{- end -}}
{{- end -}}

{{- /* What the webhook and the controller have in common. */ -}}
{{- define "sealward.agent" -}}
trust:
{{- if .Values.trust.configMap }}
  from: {{ printf "configmap:%s/%s" .Release.Namespace .Values.trust.configMap | quote }}
{{- else }}
  from: {{ required "trust.from is missing: where the trust state is published, as in https://trust.example/sealward" .Values.trust.from | quote }}
{{- end }}
{{- if .Values.trust.root }}
  root: /etc/sealward/files/root.json
{{- end }}
  memory: /var/lib/sealward/trust
  every: {{ .Values.trust.every }}
{{- if .Values.trust.tier }}
  tier: {{ .Values.trust.tier | quote }}
{{- end }}
evidence: /var/lib/sealward/evidence
registries:
  allowed: [{{ range $at, $host := .Values.registries.allowed }}{{ if $at }}, {{ end }}{{ $host | quote }}{{ end }}]
{{- if .Values.registries.mirrors }}
  mirrors:
{{- range $host, $mirrors := .Values.registries.mirrors }}
    {{ $host | quote }}: [{{ range $at, $mirror := $mirrors }}{{ if $at }}, {{ end }}{{ $mirror | quote }}{{ end }}]
{{- end }}
{{- end }}
{{- if .Values.registries.privateHosts }}
  privateHosts:
{{- range $host, $others := .Values.registries.privateHosts }}
    {{ $host | quote }}: [{{ range $at, $other := $others }}{{ if $at }}, {{ end }}{{ $other | quote }}{{ end }}]
{{- end }}
{{- end }}
{{- if .Values.registries.workloadIdentity }}
  workloadIdentity: [{{ range $at, $cloud := .Values.registries.workloadIdentity }}{{ if $at }}, {{ end }}{{ $cloud }}{{ end }}]
  metadataService: {{ .Values.registries.metadataService }}
{{- end }}
{{- if .Values.registries.credentialsSecret }}
  credentialsFile: /etc/sealward/registry/config.json
{{- end }}
{{- if .Values.registries.authorities }}
  authoritiesFile: /etc/sealward/files/registry-authorities.pem
{{- end }}
{{- if .Values.cluster }}
cluster: {{ .Values.cluster | quote }}
{{- end }}
{{- if .Values.environment }}
environment: {{ .Values.environment | quote }}
{{- end }}
{{- end -}}

{{- /* The configuration of the webhook; docs/reference/admission.md has every key. Written out, so that its checksum does not depend on the order of keys. */ -}}
{{- define "sealward.config" -}}
listen: 0.0.0.0:9443
operations: 0.0.0.0:9444
{{- if .Values.tls.certManager.enabled }}
tls:
  files:
    certificates: /etc/sealward/tls/tls.crt
    key: /etc/sealward/tls/tls.key
    configurations: [sealward]
{{- else }}
tls:
  selfMade:
    secret: {{ printf "%s/sealward-authority" .Release.Namespace }}
    configurations: [sealward]
    names: [{{ printf "sealward.%s.svc" .Release.Namespace }}]
{{- end }}
caller:
  proof: {{ .Values.caller.proof }}
{{- if eq .Values.caller.proof "path-secret" }}
{{- if .Values.tls.certManager.enabled }}
  secretFile: /etc/sealward/caller/path-secret
{{- end }}
{{- else if eq .Values.caller.proof "mtls" }}
  authorities: /etc/sealward/files/caller-authorities.pem
  names: [{{ range $at, $name := .Values.caller.names }}{{ if $at }}, {{ end }}{{ $name | quote }}{{ end }}]
{{- else if ne .Values.caller.proof "network" }}
{{- fail "caller.proof is one of network, path-secret and mtls" }}
{{- end }}
{{ include "sealward.agent" . }}
decisions:
  folder: /var/lib/sealward/decisions
  mode: {{ .Values.decisions.mode }}
{{- if .Values.decisions.keep }}
  keep: {{ .Values.decisions.keep }}
{{- end }}
watch:
  namespaceLabels: {{ .Values.watch.namespaceLabels }}
  namespacedPolicies: {{ .Values.watch.namespacedPolicies }}
  runningPods: {{ .Values.watch.runningPods }}
{{- if .Values.customKinds }}
customKinds:
{{- range .Values.customKinds }}
  - kind: {{ .kind | quote }}
    podSpecs: [{{ range $at, $path := .podSpecs }}{{ if $at }}, {{ end }}{{ $path | quote }}{{ end }}]
{{- end }}
{{- end }}
{{- if .Values.pullSecretsOf }}
pullSecretsOf: [{{ range $at, $name := .Values.pullSecretsOf }}{{ if $at }}, {{ end }}{{ $name | quote }}{{ end }}]
{{- end }}
exemptNamespaces: [{{ .Release.Namespace | quote }}{{ range .Values.webhooks.exemptNamespaces }}, {{ . | quote }}{{ end }}]
drain: {{ .Values.drainSeconds }}s
logLevel: {{ .Values.logLevel }}
{{- end -}}

{{- /* The configuration of the controller; docs/reference/controller.md has every key. */ -}}
{{- define "sealward.controllerConfig" -}}
operations: 0.0.0.0:9445
lease: {{ printf "%s/sealward-controller" .Release.Namespace }}
{{ include "sealward.agent" . }}
exemptNamespaces: [{{ .Release.Namespace | quote }}{{ range .Values.webhooks.exemptNamespaces }}, {{ . | quote }}{{ end }}]
policyReports: {{ .Values.controller.policyReports }}
events: {{ .Values.controller.events }}
namespacedPolicies: {{ .Values.watch.namespacedPolicies }}
{{- with .Values.controller.containment }}
containment:
  dryRun: {{ .dryRun }}
  perMinute: {{ .perMinute }}
  {{- if .rules }}
  rules:
    {{- range .rules }}
    - action: {{ .action }}
      {{- if .policies }}
      policies: [{{ range $at, $name := .policies }}{{ if $at }}, {{ end }}{{ $name | quote }}{{ end }}]
      {{- end }}
      {{- if .namespaces }}
      namespaces: [{{ range $at, $name := .namespaces }}{{ if $at }}, {{ end }}{{ $name | quote }}{{ end }}]
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if .Values.controller.canary.images }}
canary:
  namespace: {{ required "controller.canary.namespace is missing: in which namespace the canary asks" .Values.controller.canary.namespace | quote }}
  every: {{ .Values.controller.canary.every }}
  configuration: sealward
  images:
    {{- range .Values.controller.canary.images }}
    - name: {{ .name | quote }}
      image: {{ .image | quote }}
    {{- end }}
{{- end }}
logLevel: {{ .Values.logLevel }}
{{- end -}}

{{- /* Which namespaces are not asked about: by the one label that nobody can change. */ -}}
{{- define "sealward.namespaces" -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values:
      - {{ .Release.Namespace | quote }}
      {{- range .Values.webhooks.exemptNamespaces }}
      - {{ . | quote }}
      {{- end }}
{{- end -}}

{{- define "sealward.podRules" -}}
- apiGroups: [""]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  # "pods" alone would not match the second.
  resources: [pods, pods/ephemeralcontainers]
  scope: Namespaced
{{- end -}}

{{- define "sealward.templateRules" -}}
- apiGroups: [""]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  resources: [replicationcontrollers, podtemplates]
  scope: Namespaced
- apiGroups: [apps]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  resources: [deployments, replicasets, statefulsets, daemonsets]
  scope: Namespaced
- apiGroups: [batch]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  resources: [jobs, cronjobs]
  scope: Namespaced
{{- with .Values.webhooks.customRules }}
{{ toYaml . }}
{{- end }}
{{- end -}}
