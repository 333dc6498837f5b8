# A self-managed node group: a launch template with an AMI that contains eni-bootstrap, and an Auto Scaling group. Create the
# ENIConfigs and apply packaging/rbac.yaml before the group: until then, its nodes do not join the cluster.

resource "aws_iam_instance_profile" "node" {
  name_prefix = "${var.cluster_name}-node-"
  role        = data.aws_iam_role.node.name
}

# Maps the role of the nodes in the cluster. EKS creates this entry for managed node groups. Delete it if the role already
# has an entry.
resource "aws_eks_access_entry" "node" {
  cluster_name  = var.cluster_name
  principal_arn = data.aws_iam_role.node.arn
  type          = "EC2_LINUX"
}

resource "aws_launch_template" "self_managed" {
  name_prefix            = "${var.cluster_name}-self-managed-"
  image_id               = var.ami_id
  instance_type          = var.instance_type
  user_data              = base64encode(local.user_data)
  vpc_security_group_ids = concat([data.aws_eks_cluster.this.vpc_config[0].cluster_security_group_id], var.security_group_ids)

  iam_instance_profile {
    arn = aws_iam_instance_profile.node.arn
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
}

resource "aws_autoscaling_group" "self_managed" {
  name_prefix         = "${var.cluster_name}-self-managed-"
  min_size            = 3
  max_size            = 12
  vpc_zone_identifier = var.subnet_ids

  launch_template {
    id      = aws_launch_template.self_managed.id
    version = aws_launch_template.self_managed.latest_version
  }

  # A new AMI replaces the nodes.
  instance_refresh {
    strategy = "Rolling"
  }

  tag {
    key                 = "kubernetes.io/cluster/${var.cluster_name}"
    value               = "owned"
    propagate_at_launch = true
  }

  depends_on = [aws_eks_access_entry.node]
}
