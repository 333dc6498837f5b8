# Builds an AMI from the EKS optimized Amazon Linux 2023 AMI, with eni-bootstrap installed and enabled.
# ami/README.md explains how to use it.

locals {
  instance_types = { x86_64 = "t3.medium", arm64 = "t4g.medium" }
  instance_type  = var.instance_type == "" ? local.instance_types[var.architecture] : var.instance_type
  settings_file  = var.settings_file == "" ? "${path.root}/90-site.toml" : var.settings_file
  # Makes the AMI name unique.
  built_at = formatdate("YYYYMMDDhhmmss", timestamp())
  # examples/karpenter/custom-networking.yaml selects the AMI by the first two tags.
  tags = merge(var.tags, {
    "eni-bootstrap/version" = var.package_version
    "kubernetes-version"    = var.kubernetes_version
    "base-image"            = local.source_ami
  })
  upload = "/tmp/eni-bootstrap-upload"
}

source "amazon-ebs" "al2023" {
  region               = var.region
  subnet_id            = var.subnet_id
  source_ami           = local.source_ami
  instance_type        = local.instance_type
  iam_instance_profile = var.iam_instance_profile
  run_tags             = local.tags
  run_volume_tags      = local.tags

  ssh_username                = "ec2-user"
  ssh_interface               = var.ssh_interface
  associate_public_ip_address = var.ssh_interface == "public_ip"
  # Removes Packer's SSH key from the AMI.
  ssh_clear_authorized_keys = true

  ami_name        = "eni-bootstrap-${var.package_version}-eks-${var.kubernetes_version}-al2023-${var.architecture}-${local.built_at}"
  ami_description = "EKS ${var.kubernetes_version}, Amazon Linux 2023, ${var.architecture}, with eni-bootstrap ${var.package_version}"
  ami_users       = var.ami_users
  tags            = local.tags
  snapshot_tags   = local.tags

  # The build instance, and every instance that boots from the AMI, accepts only IMDSv2.
  imds_support = "v2.0"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # With public_ip, only the public IP address of the machine that runs Packer can connect by SSH.
  temporary_security_group_source_public_ip = var.ssh_interface == "public_ip"

  # The build volume is encrypted, so the AMI is encrypted without a second copy.
  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = var.volume_size
    iops                  = 3000
    throughput            = 125
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }
}

build {
  sources = ["source.amazon-ebs.al2023"]

  provisioner "shell" {
    inline = ["mkdir ${local.upload}"]
  }
  provisioner "file" {
    source      = var.package
    destination = "${local.upload}/eni-bootstrap.rpm"
  }
  provisioner "file" {
    source      = local.settings_file
    destination = "${local.upload}/90-site.toml"
  }
  provisioner "shell" {
    script          = "${path.root}/../install-package.sh"
    execute_command = "sudo env {{ .Vars }} sh '{{ .Path }}' ${local.upload}"
  }
  provisioner "shell" {
    script          = "${path.root}/../test-image.sh"
    execute_command = "sudo env {{ .Vars }} sh '{{ .Path }}' ${var.package_version}"
  }
  # Remove the data of the build instance. This must be the last step.
  provisioner "shell" {
    script          = "${path.root}/../clean-image.sh"
    execute_command = "sudo env {{ .Vars }} sh '{{ .Path }}'"
  }
}
