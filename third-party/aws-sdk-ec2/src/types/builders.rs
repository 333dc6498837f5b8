// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub use crate::types::_subnet_ipv6_cidr_block_association::SubnetIpv6CidrBlockAssociationBuilder;

pub use crate::types::_subnet::SubnetBuilder;

pub use crate::types::_network_interface::NetworkInterfaceBuilder;

pub use crate::types::_subnet_cidr_reservation::SubnetCidrReservationBuilder;

pub use crate::types::_operator_response::OperatorResponseBuilder;

pub use crate::types::_enclave_options::EnclaveOptionsBuilder;

pub use crate::types::_network_interface_attachment::NetworkInterfaceAttachmentBuilder;

pub use crate::types::_instance_metadata_options_response::InstanceMetadataOptionsResponseBuilder;

pub use crate::types::_placement::PlacementBuilder;

pub use crate::types::_ipv4_prefix_specification::Ipv4PrefixSpecificationBuilder;

pub use crate::types::_iam_instance_profile::IamInstanceProfileBuilder;

pub use crate::types::_subnet_cidr_block_state::SubnetCidrBlockStateBuilder;

pub use crate::types::_ip_permission::IpPermissionBuilder;

pub use crate::types::_tag::TagBuilder;

pub use crate::types::_private_dns_name_options_on_launch::PrivateDnsNameOptionsOnLaunchBuilder;

pub use crate::types::_block_public_access_states::BlockPublicAccessStatesBuilder;

pub use crate::types::_state_reason::StateReasonBuilder;

pub use crate::types::_instance_ipv6_address::InstanceIpv6AddressBuilder;

pub use crate::types::_network_interface_association::NetworkInterfaceAssociationBuilder;

pub use crate::types::_connection_tracking_configuration::ConnectionTrackingConfigurationBuilder;

pub use crate::types::_public_ip_dns_name_options::PublicIpDnsNameOptionsBuilder;

pub use crate::types::_filter::FilterBuilder;

pub use crate::types::_product_code::ProductCodeBuilder;

pub use crate::types::_instance_block_device_mapping::InstanceBlockDeviceMappingBuilder;

pub use crate::types::_group_identifier::GroupIdentifierBuilder;

pub use crate::types::_reservation::ReservationBuilder;

pub use crate::types::_instance_type_info::InstanceTypeInfoBuilder;

pub use crate::types::_attachment_ena_srd_specification::AttachmentEnaSrdSpecificationBuilder;

pub use crate::types::_security_group::SecurityGroupBuilder;

pub use crate::types::_instance::InstanceBuilder;

pub use crate::types::_network_interface_ipv6_address::NetworkInterfaceIpv6AddressBuilder;

pub use crate::types::_network_interface_private_ip_address::NetworkInterfacePrivateIpAddressBuilder;

pub use crate::types::_ipv6_prefix_specification::Ipv6PrefixSpecificationBuilder;

pub use crate::types::_ebs_instance_block_device::EbsInstanceBlockDeviceBuilder;

pub use crate::types::_instance_state::InstanceStateBuilder;

pub use crate::types::_processor_info::ProcessorInfoBuilder;

pub use crate::types::_v_cpu_info::VCpuInfoBuilder;

pub use crate::types::_memory_info::MemoryInfoBuilder;

pub use crate::types::_instance_storage_info::InstanceStorageInfoBuilder;

pub use crate::types::_ebs_info::EbsInfoBuilder;

pub use crate::types::_network_info::NetworkInfoBuilder;

pub use crate::types::_gpu_info::GpuInfoBuilder;

pub use crate::types::_fpga_info::FpgaInfoBuilder;

pub use crate::types::_placement_group_info::PlacementGroupInfoBuilder;

pub use crate::types::_inference_accelerator_info::InferenceAcceleratorInfoBuilder;

pub use crate::types::_nitro_tpm_info::NitroTpmInfoBuilder;

pub use crate::types::_media_accelerator_info::MediaAcceleratorInfoBuilder;

pub use crate::types::_neuron_info::NeuronInfoBuilder;

pub use crate::types::_attachment_ena_srd_udp_specification::AttachmentEnaSrdUdpSpecificationBuilder;

pub use crate::types::_capacity_reservation_target_response::CapacityReservationTargetResponseBuilder;

pub use crate::types::_monitoring::MonitoringBuilder;

pub use crate::types::_cpu_options::CpuOptionsBuilder;

pub use crate::types::_capacity_reservation_specification_response::CapacityReservationSpecificationResponseBuilder;

pub use crate::types::_hibernation_options::HibernationOptionsBuilder;

pub use crate::types::_private_dns_name_options_response::PrivateDnsNameOptionsResponseBuilder;

pub use crate::types::_instance_maintenance_options::InstanceMaintenanceOptionsBuilder;

pub use crate::types::_instance_network_performance_options::InstanceNetworkPerformanceOptionsBuilder;

pub use crate::types::_user_id_group_pair::UserIdGroupPairBuilder;

pub use crate::types::_ip_range::IpRangeBuilder;

pub use crate::types::_ipv6_range::Ipv6RangeBuilder;

pub use crate::types::_prefix_list_id::PrefixListIdBuilder;

pub use crate::types::_ebs_optimized_info::EbsOptimizedInfoBuilder;

pub use crate::types::_efa_info::EfaInfoBuilder;

pub use crate::types::_default_connection_tracking_configuration::DefaultConnectionTrackingConfigurationBuilder;

pub use crate::types::_elastic_gpu_association::ElasticGpuAssociationBuilder;

pub use crate::types::_elastic_inference_accelerator_association::ElasticInferenceAcceleratorAssociationBuilder;

pub use crate::types::_instance_network_interface::InstanceNetworkInterfaceBuilder;

pub use crate::types::_license_configuration::LicenseConfigurationBuilder;

pub use crate::types::_instance_secondary_interface::InstanceSecondaryInterfaceBuilder;

pub use crate::types::_disk_info::DiskInfoBuilder;

pub use crate::types::_ebs_card_info::EbsCardInfoBuilder;

pub use crate::types::_network_card_info::NetworkCardInfoBuilder;

pub use crate::types::_gpu_device_info::GpuDeviceInfoBuilder;

pub use crate::types::_fpga_device_info::FpgaDeviceInfoBuilder;

pub use crate::types::_inference_device_info::InferenceDeviceInfoBuilder;

pub use crate::types::_media_device_info::MediaDeviceInfoBuilder;

pub use crate::types::_neuron_device_info::NeuronDeviceInfoBuilder;

pub use crate::types::_instance_network_interface_association::InstanceNetworkInterfaceAssociationBuilder;

pub use crate::types::_instance_network_interface_attachment::InstanceNetworkInterfaceAttachmentBuilder;

pub use crate::types::_connection_tracking_specification_response::ConnectionTrackingSpecificationResponseBuilder;

pub use crate::types::_instance_secondary_interface_attachment::InstanceSecondaryInterfaceAttachmentBuilder;

pub use crate::types::_gpu_device_memory_info::GpuDeviceMemoryInfoBuilder;

pub use crate::types::_fpga_device_memory_info::FpgaDeviceMemoryInfoBuilder;

pub use crate::types::_inference_device_memory_info::InferenceDeviceMemoryInfoBuilder;

pub use crate::types::_media_device_memory_info::MediaDeviceMemoryInfoBuilder;

pub use crate::types::_neuron_device_core_info::NeuronDeviceCoreInfoBuilder;

pub use crate::types::_neuron_device_memory_info::NeuronDeviceMemoryInfoBuilder;

pub use crate::types::_instance_attachment_ena_srd_specification::InstanceAttachmentEnaSrdSpecificationBuilder;

pub use crate::types::_instance_private_ip_address::InstancePrivateIpAddressBuilder;

pub use crate::types::_instance_ipv4_prefix::InstanceIpv4PrefixBuilder;

pub use crate::types::_instance_ipv6_prefix::InstanceIpv6PrefixBuilder;

pub use crate::types::_instance_secondary_interface_private_ip_address::InstanceSecondaryInterfacePrivateIpAddressBuilder;

pub use crate::types::_instance_attachment_ena_srd_udp_specification::InstanceAttachmentEnaSrdUdpSpecificationBuilder;
