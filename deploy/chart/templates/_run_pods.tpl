{{/* RUN_PODS_FILE: the settings of dagster-k8s' K8sRunLauncher, which makes a Job for each run. */}}

{{- define "seedtest.runPods" -}}
job_namespace: {{ .Release.Namespace }}
job_image: {{ include "seedtest.pipelineImage" . }}
image_pull_policy: {{ .Values.image.pullPolicy }}
{{- with include "seedtest.pullSecrets" . }}
image_pull_secrets:
  {{- . | nindent 2 }}
{{- end }}
service_account_name: {{ .Release.Name }}-pipeline
instance_config_map: {{ .Release.Name }}-dagster
dagster_home: /etc/seedtest
env_config_maps: [{{ .Values.configMap }}]
env_secrets: {{ include "seedtest.secrets" . }}
volumes:
  {{- include "seedtest.volumes" . | nindent 2 }}
  - {name: dagster, configMap: {name: {{ .Release.Name }}-dagster}}
volume_mounts:
  {{- include "seedtest.mounts" . | nindent 2 }}
  - {name: dagster, mountPath: /etc/seedtest, readOnly: true}
labels:
  {{- include "seedtest.labels" (dict "root" . "component" "run") | nindent 2 }}
  {{- with .Values.serviceAccount.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml .Values.runs.resources | nindent 2 }}
security_context:
  {{- include "seedtest.containerSecurity" . | nindent 2 }}
run_k8s_config:
  job_spec_config:
    ttl_seconds_after_finished: {{ .Values.runs.keptSeconds }}
    backoff_limit: 0 # a killed run is tried again by Dagster, under an id of its own
  pod_template_spec_metadata:
    annotations:
      cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
      karpenter.sh/do-not-disrupt: "true"
  pod_spec_config:
    automount_service_account_token: false
    termination_grace_period_seconds: 60
    security_context:
      {{- include "seedtest.podSecurity" . | nindent 6 }}
    {{- with .Values.runs.nodeSelector }}
    node_selector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.runs.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
# No tag of a run may change what it is allowed to do.
only_allow_user_defined_k8s_config_fields:
  container_config: {resources: true}
{{- end }}
