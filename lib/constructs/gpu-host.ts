import { UserData } from 'aws-cdk-lib/aws-ec2';

/**
 * Bytes that one socket may queue. An SRT receiver at 50 Mbps and 120 ms holds 0.75 MB; a scheduling pause of a
 * second must not lose packets either.
 */
const UDP_RECEIVE_BUFFER_BYTES = 16 * 1_024 * 1_024;

/** Where the CloudWatch agent of a GPU host puts what it measures. */
export const GPU_HOST_NAMESPACE = 'mirror/gpu-host';

/**
 * What the CloudWatch agent reads from the driver. GPU use is that of the compute units, which scale; the encoder
 * tells its sessions and how fast they are (CloudWatch User Guide, "Collect NVIDIA GPU metrics").
 */
function agentConfiguration(environmentName: string) {
  return {
    agent: { metrics_collection_interval: 10, run_as_user: 'cwagent' },
    metrics: {
      namespace: GPU_HOST_NAMESPACE,
      aggregation_dimensions: [['environment'], ['environment', 'host']],
      metrics_collected: {
        nvidia_gpu: {
          measurement: [
            'utilization_gpu',
            'utilization_memory',
            'memory_used',
            'temperature_gpu',
            'encoder_stats_session_count',
            'encoder_stats_average_fps',
            'encoder_stats_average_latency',
          ],
          append_dimensions: { environment: environmentName },
        },
      },
    },
  };
}

/** What a GPU host does at first boot, before it joins the cluster. */
export function gpuHostUserData(environmentName: string): UserData {
  const userData = UserData.forLinux();
  userData.addCommands(
    'set -euo pipefail',
    // 25 feeds of 50 Mbps are 120,000 packets a second.
    'cat > /etc/sysctl.d/90-mirror.conf <<EOF',
    `net.core.rmem_max=${UDP_RECEIVE_BUFFER_BYTES}`,
    `net.core.rmem_default=${UDP_RECEIVE_BUFFER_BYTES / 8}`,
    'net.core.netdev_max_backlog=10000',
    'EOF',
    'sysctl --system',
    // Several tasks share one GPU: ECS counts GPUs whole, so no task asks for one, and the nvidia runtime is
    // the default one for every container (Amazon ECS Developer Guide, "Share GPUs").
    'nvidia-ctk runtime configure --runtime=docker --set-as-default',
    'systemctl restart docker',
    // Each task has its own network interface; the branch interfaces need the account setting awsvpcTrunking.
    'cat >> /etc/ecs/ecs.config <<EOF',
    'ECS_ENABLE_TASK_ENI=true',
    'ECS_AVAILABLE_LOGGING_DRIVERS=["json-file","awslogs"]',
    'ECS_CONTAINER_STOP_TIMEOUT=30s',
    'ECS_IMAGE_PULL_BEHAVIOR=prefer-cached',
    'EOF',
    // The GPU must answer before the host takes streams.
    'nvidia-smi',
    // What it is used for is worth knowing, but no reason to have no host: after what must not fail.
    'cat > /etc/mirror-cloudwatch-agent.json <<EOF',
    JSON.stringify(agentConfiguration(environmentName)),
    'EOF',
    'dnf install -y amazon-cloudwatch-agent && /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/mirror-cloudwatch-agent.json || echo "no GPU metrics from this host"',
  );
  return userData;
}
