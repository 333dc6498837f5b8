variable "region" {
  description = "Where the image is built."
  type        = string
}

variable "subnet_id" {
  description = "The subnet of the build instance. It needs no way to the internet, only one from here to its SSH (see ssh_interface)."
  type        = string
  validation {
    condition     = regex_replace(var.subnet_id, "^subnet-[0-9a-f]{8,17}$", "") == "" && var.subnet_id != ""
    error_message = "The subnet_id must be a subnet's id, as subnet-0123456789abcdef0."
  }
}

variable "kubernetes_version" {
  description = "Of the cluster: EKS has an image for each, as 1.34."
  type        = string
  validation {
    condition     = regex_replace(var.kubernetes_version, "^1\\.[0-9]{2}$", "") == "" && var.kubernetes_version != ""
    error_message = "The kubernetes_version must be a minor version, as 1.34."
  }
}

variable "architecture" {
  description = "x86_64 or arm64; the package and the instance_type have to be of it."
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture must be x86_64 or arm64."
  }
}

variable "instance_type" {
  description = "Of the build instance; empty takes t3.medium or t4g.medium."
  type        = string
  default     = ""
}

variable "package" {
  description = "The rpm that `make packages` leaves in target/packages, of the architecture."
  type        = string
  validation {
    condition     = regex_replace(var.package, "^.*\\.rpm$", "") == "" && var.package != ""
    error_message = "The package must be an rpm: Amazon Linux 2023 installs no other."
  }
}

variable "package_version" {
  description = "What `eni-bootstrap --version` says; the image is tested for it."
  type        = string
  validation {
    condition     = regex_replace(var.package_version, "^[0-9]+\\.[0-9]+\\.[0-9]+[-+.0-9A-Za-z]*$", "") == "" && var.package_version != ""
    error_message = "The package_version must be a version, as 0.1.0."
  }
}

variable "settings_file" {
  description = "Settings for every node of the image, put into /etc/eni-bootstrap; empty takes the one beside this file, which sets nothing."
  type        = string
  default     = ""
  validation {
    condition     = regex_replace(var.settings_file, "^.*\\.toml$", "") == ""
    error_message = "The settings_file must be a TOML file: files of other names are not read."
  }
}

variable "kms_key_id" {
  description = "The key of the image's root volume; empty takes the account's default for EBS. Where the image is shared with another account, one of your own."
  type        = string
  default     = ""
}

variable "volume_size" {
  description = "GiB of the root volume; EKS's own image has 20."
  type        = number
  default     = 20
  validation {
    condition     = var.volume_size >= 20
    error_message = "The volume_size must be at least 20, as in the image that this one is made from."
  }
}

variable "ssh_interface" {
  description = "How Packer reaches the build instance: public_ip, private_ip, or session_manager (with an iam_instance_profile that may use it)."
  type        = string
  default     = "private_ip"
  validation {
    condition     = contains(["public_ip", "private_ip", "session_manager"], var.ssh_interface)
    error_message = "The ssh_interface must be public_ip, private_ip or session_manager."
  }
}

variable "iam_instance_profile" {
  description = "Of the build instance. It needs none but for session_manager."
  type        = string
  default     = ""
}

variable "ami_users" {
  description = "Accounts that may launch the image."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Of the image, its snapshot and the build instance."
  type        = map(string)
  default     = {}
}
