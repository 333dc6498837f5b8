# The blocks that need Packer 1.7 or later. The tests use Packer 1.6.6, the last version in Debian. They
# replace this file with a fixed AMI ID.
packer {
  required_version = ">= 1.9.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0, < 2.0.0"
    }
  }
}

# The public SSM parameter with the ID of the latest EKS optimized AMI.
data "amazon-parameterstore" "base" {
  name   = "/aws/service/eks/optimized-ami/${var.kubernetes_version}/amazon-linux-2023/${var.architecture}/standard/recommended/image_id"
  region = var.region
}

locals {
  source_ami = data.amazon-parameterstore.base.value
}
