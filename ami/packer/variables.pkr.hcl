variable "region" {
  description = "AWS Region in which the AMI is built."
  type        = string
}

variable "subnet_id" {
  description = "Subnet of the build instance. With ssh_interface=public_ip it must be a public subnet. The build itself needs no internet access."
  type        = string
  validation {
    condition     = regex_replace(var.subnet_id, "^subnet-[0-9a-f]{8,17}$", "") == "" && var.subnet_id != ""
    error_message = "The subnet_id must be a subnet ID, for example subnet-0123456789abcdef0."
  }
}

variable "kubernetes_version" {
  description = "Kubernetes minor version of the cluster, for example 1.34. EKS has an AMI for each version."
  type        = string
  validation {
    condition     = regex_replace(var.kubernetes_version, "^1\\.[0-9]{2}$", "") == "" && var.kubernetes_version != ""
    error_message = "The kubernetes_version must be a minor version, for example 1.34."
  }
}

variable "architecture" {
  description = "Architecture of the AMI: x86_64 or arm64. The package and instance_type must have the same architecture."
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture must be x86_64 or arm64."
  }
}

variable "instance_type" {
  description = "Type of the build instance. If empty, t3.medium for x86_64 or t4g.medium for arm64."
  type        = string
  default     = ""
}

variable "package" {
  description = "Path of the rpm. `make packages` writes it to target/packages."
  type        = string
  validation {
    condition     = regex_replace(var.package, "^.*\\.rpm$", "") == "" && var.package != ""
    error_message = "The package must be an rpm file: Amazon Linux 2023 does not install other package formats."
  }
}

variable "package_version" {
  description = "Version that `eni-bootstrap --version` prints, for example 0.0.0. The build fails if the version is different."
  type        = string
  validation {
    condition     = regex_replace(var.package_version, "^[0-9]+\\.[0-9]+\\.[0-9]+[-+.0-9A-Za-z]*$", "") == "" && var.package_version != ""
    error_message = "The package_version must be a version, for example 0.0.0."
  }
}

variable "settings_file" {
  description = "TOML file with settings for every node, installed as /etc/eni-bootstrap/90-site.toml. If empty, 90-site.toml of this directory, which has no settings."
  type        = string
  default     = ""
  validation {
    condition     = regex_replace(var.settings_file, "^.*\\.toml$", "") == ""
    error_message = "The settings_file must have a name that ends in .toml."
  }
}

variable "kms_key_id" {
  description = "KMS key that encrypts the root volume. If empty, the default EBS key of the account. To share the AMI with another account, set a customer managed key."
  type        = string
  default     = ""
}

variable "volume_size" {
  description = "Size of the root volume in GiB. The EKS optimized AMI has 20."
  type        = number
  default     = 20
  validation {
    condition     = var.volume_size >= 20
    error_message = "The volume_size must be at least 20, the size of the EKS optimized AMI."
  }
}

variable "ssh_interface" {
  description = "How Packer connects to the build instance. public_ip (default): from any machine with internet access, such as a laptop. private_ip: from a machine that can reach the subnet, such as a CI runner in the VPC. session_manager: through AWS Systems Manager, which requires an iam_instance_profile."
  type        = string
  default     = "public_ip"
  validation {
    condition     = contains(["public_ip", "private_ip", "session_manager"], var.ssh_interface)
    error_message = "The ssh_interface must be public_ip, private_ip or session_manager."
  }
}

variable "iam_instance_profile" {
  description = "Instance profile of the build instance. Only ssh_interface=session_manager requires it."
  type        = string
  default     = ""
}

variable "ami_users" {
  description = "IDs of the AWS accounts that may launch the AMI."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Additional tags for the AMI, its snapshot and the build instance."
  type        = map(string)
  default     = {}
}
