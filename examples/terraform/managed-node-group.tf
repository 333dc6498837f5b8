# A launch template with an AMI that contains eni-bootstrap, and a managed node group that uses it. Create the ENIConfigs and
# apply packaging/rbac.yaml before the node group: until then, its nodes do not join the cluster.

resource "aws_launch_template" "managed" {
  name_prefix = "${var.cluster_name}-managed-"
  image_id    = var.ami_id
  user_data   = base64encode(local.user_data)

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
}

resource "aws_eks_node_group" "managed" {
  cluster_name    = var.cluster_name
  node_group_name = "eni-bootstrap"
  node_role_arn   = data.aws_iam_role.node.arn
  subnet_ids      = var.subnet_ids
  instance_types  = [var.instance_type]

  # Do not set ami_type: EKS rejects it if the launch template contains an AMI ID.
  launch_template {
    id      = aws_launch_template.managed.id
    version = aws_launch_template.managed.latest_version
  }

  scaling_config {
    min_size     = 3
    max_size     = 12
    desired_size = 3
  }

  # A new AMI replaces one node after the other.
  update_config {
    max_unavailable = 1
  }
}
