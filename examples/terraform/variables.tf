# Set these values, for example in terraform.tfvars.

variable "cluster_name" {
  type        = string
  description = "The name of an existing EKS cluster."
}

variable "ami_id" {
  type        = string
  description = "An AMI with eni-bootstrap, in which its unit is enabled (ami/README.md)."
}

variable "subnet_ids" {
  type        = list(string)
  description = "The subnets of the nodes, in zones that have an ENIConfig. Pods use the subnets of the ENIConfigs."
}

variable "node_role_name" {
  type        = string
  description = "The name of the IAM role of the nodes."
}

variable "security_group_ids" {
  type        = list(string)
  description = "The security groups of self-managed nodes."
  default     = []
}

variable "instance_type" {
  type        = string
  description = "The instance type of the nodes."
  default     = "m5.large"
}

data "aws_eks_cluster" "this" {
  name = var.cluster_name
}

data "aws_iam_role" "node" {
  name = var.node_role_name
}

locals {
  # EKS adds nothing to the user data of a launch template with an AMI ID, so it contains the complete NodeConfig.
  user_data = templatefile("${path.module}/user-data.tftpl", {
    name                  = data.aws_eks_cluster.this.name
    endpoint              = data.aws_eks_cluster.this.endpoint
    certificate_authority = data.aws_eks_cluster.this.certificate_authority[0].data
    cidr                  = data.aws_eks_cluster.this.kubernetes_network_config[0].service_ipv4_cidr
  })
}
