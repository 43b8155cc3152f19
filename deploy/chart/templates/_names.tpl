{{/* Names and labels. Everything of a release begins with its name; what an operator has by a name of its own keeps it. */}}

{{- define "seedtest.labels" -}}
app.kubernetes.io/name: seedtest
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "seedtest.metadata" -}}
name: {{ .root.Release.Name }}-{{ .component }}
labels:
  {{- include "seedtest.labels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* An image by digest or tag. What a tag names must not change below a release: no "latest". */}}
{{- define "seedtest.image" -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion -}}
{{- if not .image.repository -}}
{{- fail (printf "%s.repository is missing: name the image that you pushed from %s" .value .source) -}}
{{- else if and (eq $tag "latest") (not .image.digest) -}}
{{- fail (printf "%s.tag is latest: name a release, so that runs and the API are the same one" .value) -}}
{{- end -}}
{{- .image.repository }}{{ ternary (printf "@%s" .image.digest) (printf ":%s" $tag) (not (empty .image.digest)) -}}
{{- end }}

{{- define "seedtest.pipelineImage" -}}
{{- include "seedtest.image" (dict "root" . "image" .Values.image "value" "image" "source" "deploy/images/pipeline") -}}
{{- end }}

{{- define "seedtest.pullSecrets" -}}
{{- $names := list }}
{{- range .Values.imagePullSecrets }}{{ $names = append $names (dict "name" .) }}{{ end }}
{{- if $names }}{{ toYaml $names }}{{ end }}
{{- end }}
