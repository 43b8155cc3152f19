{{/* What every pod has: no rights that it does not need, and one folder that may be written. */}}

{{- define "seedtest.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "seedtest.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Environment of every pod of the pipeline: the settings, and the Secrets whose keys are names of settings. */}}
{{- define "seedtest.secrets" -}}
{{- $secrets := list (required "database.secret is missing: name a Secret that has DATABASE_URL" .Values.database.secret) -}}
{{- if .Values.s3.secret }}{{ $secrets = append $secrets .Values.s3.secret }}{{ end -}}
{{- if .Values.rIrt.enabled }}{{ $secrets = append $secrets .Values.rIrt.secret }}{{ end -}}
{{- if .Values.alerts.secret }}{{ $secrets = append $secrets .Values.alerts.secret }}{{ end -}}
{{- toJson $secrets -}}
{{- end }}

{{- define "seedtest.envFrom" -}}
- configMapRef: {name: {{ .Values.configMap }}}
{{- range include "seedtest.secrets" . | fromJsonArray }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{/* /data is all that may be written; the key of links, which the settings read wherever they are read. */}}
{{- define "seedtest.volumes" -}}
- {name: data, emptyDir: {}}
{{- with .Values.cloudfront.secret }}
- {name: cloudfront, secret: {secretName: {{ . }}}}
{{- end }}
{{- end }}

{{- define "seedtest.mounts" -}}
- {name: data, mountPath: /data}
{{- if .Values.cloudfront.secret }}
- {name: cloudfront, mountPath: /etc/cloudfront, readOnly: true}
{{- end }}
{{- end }}
