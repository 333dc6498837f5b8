# What needs Packer 1.7 or later. The tests validate the other files with Debian's, 1.6.6, and put an
# image's id in the place of this file.
packer {
  required_version = ">= 1.9.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0, < 2.0.0"
    }
  }
}

# The public parameter in which EKS names its newest image.
data "amazon-parameterstore" "base" {
  name   = "/aws/service/eks/optimized-ami/${var.kubernetes_version}/amazon-linux-2023/${var.architecture}/standard/recommended/image_id"
  region = var.region
}

locals {
  source_ami = data.amazon-parameterstore.base.value
}
