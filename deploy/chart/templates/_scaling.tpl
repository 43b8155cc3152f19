{{/* What keeps enough replicas of a Deployment: while machines are emptied, and while there is more to do. */}}

{{- define "seedtest.disruption" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "seedtest.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "seedtest.labels" . | nindent 6 }}
{{- end }}

{{- define "seedtest.autoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "seedtest.metadata" . | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .root.Release.Name }}-{{ .component }}}
  minReplicas: {{ .of.replicas }}
  maxReplicas: {{ .of.autoscaling.max }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ .of.autoscaling.cpuPercent }}}}
{{- end }}
