// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub use crate::types::_subnet_ipv6_cidr_block_association::SubnetIpv6CidrBlockAssociation;

pub use crate::types::_subnet::Subnet;

pub use crate::types::_network_interface::NetworkInterface;

pub use crate::types::_subnet_cidr_reservation_type::SubnetCidrReservationType;

pub use crate::types::_subnet_cidr_reservation::SubnetCidrReservation;

pub use crate::types::_operator_response::OperatorResponse;

pub use crate::types::_network_interface_attachment::NetworkInterfaceAttachment;

pub use crate::types::_instance_type::InstanceType;

pub use crate::types::_hostname_type::HostnameType;

pub use crate::types::_ipv4_prefix_specification::Ipv4PrefixSpecification;

pub use crate::types::_subnet_cidr_block_state::SubnetCidrBlockState;

pub use crate::types::_ipv6_address_attribute::Ipv6AddressAttribute;

pub use crate::types::_ip_source::IpSource;

pub use crate::types::_attachment_status::AttachmentStatus;

pub use crate::types::_ip_permission::IpPermission;

pub use crate::types::_tag::Tag;

pub use crate::types::_private_dns_name_options_on_launch::PrivateDnsNameOptionsOnLaunch;

pub use crate::types::_block_public_access_states::BlockPublicAccessStates;

pub use crate::types::_subnet_state::SubnetState;

pub use crate::types::_network_interface_association::NetworkInterfaceAssociation;

pub use crate::types::_connection_tracking_configuration::ConnectionTrackingConfiguration;

pub use crate::types::_network_interface_type::NetworkInterfaceType;

pub use crate::types::_public_ip_dns_name_options::PublicIpDnsNameOptions;

pub use crate::types::_network_interface_status::NetworkInterfaceStatus;

pub use crate::types::_filter::Filter;

pub use crate::types::_group_identifier::GroupIdentifier;

pub use crate::types::_instance_type_info::InstanceTypeInfo;

pub use crate::types::_attachment_ena_srd_specification::AttachmentEnaSrdSpecification;

pub use crate::types::_security_group::SecurityGroup;

pub use crate::types::_architecture_type::ArchitectureType;

pub use crate::types::_virtualization_type::VirtualizationType;

pub use crate::types::_subnet_cidr_block_state_code::SubnetCidrBlockStateCode;

pub use crate::types::_block_public_access_mode::BlockPublicAccessMode;

pub use crate::types::_network_interface_ipv6_address::NetworkInterfaceIpv6Address;

pub use crate::types::_network_interface_private_ip_address::NetworkInterfacePrivateIpAddress;

pub use crate::types::_ipv6_prefix_specification::Ipv6PrefixSpecification;

pub use crate::types::_instance_type_hypervisor::InstanceTypeHypervisor;

pub use crate::types::_processor_info::ProcessorInfo;

pub use crate::types::_v_cpu_info::VCpuInfo;

pub use crate::types::_memory_info::MemoryInfo;

pub use crate::types::_instance_storage_info::InstanceStorageInfo;

pub use crate::types::_ebs_info::EbsInfo;

pub use crate::types::_network_info::NetworkInfo;

pub use crate::types::_gpu_info::GpuInfo;

pub use crate::types::_fpga_info::FpgaInfo;

pub use crate::types::_placement_group_info::PlacementGroupInfo;

pub use crate::types::_inference_accelerator_info::InferenceAcceleratorInfo;

pub use crate::types::_nitro_enclaves_support::NitroEnclavesSupport;

pub use crate::types::_nitro_tpm_support::NitroTpmSupport;

pub use crate::types::_nitro_tpm_info::NitroTpmInfo;

pub use crate::types::_media_accelerator_info::MediaAcceleratorInfo;

pub use crate::types::_neuron_info::NeuronInfo;

pub use crate::types::_phc_support::PhcSupport;

pub use crate::types::_reboot_migration_support::RebootMigrationSupport;

pub use crate::types::_attachment_ena_srd_udp_specification::AttachmentEnaSrdUdpSpecification;

pub use crate::types::_user_id_group_pair::UserIdGroupPair;

pub use crate::types::_ip_range::IpRange;

pub use crate::types::_ipv6_range::Ipv6Range;

pub use crate::types::_prefix_list_id::PrefixListId;

pub use crate::types::_usage_class_type::UsageClassType;

pub use crate::types::_root_device_type::RootDeviceType;

pub use crate::types::_ephemeral_nvme_support::EphemeralNvmeSupport;

pub use crate::types::_instance_storage_encryption_support::InstanceStorageEncryptionSupport;

pub use crate::types::_ebs_optimized_support::EbsOptimizedSupport;

pub use crate::types::_ebs_encryption_support::EbsEncryptionSupport;

pub use crate::types::_ebs_optimized_info::EbsOptimizedInfo;

pub use crate::types::_ebs_nvme_support::EbsNvmeSupport;

pub use crate::types::_attachment_limit_type::AttachmentLimitType;

pub use crate::types::_ena_support::EnaSupport;

pub use crate::types::_efa_info::EfaInfo;

pub use crate::types::_flexible_ena_queues_support::FlexibleEnaQueuesSupport;

pub use crate::types::_default_connection_tracking_configuration::DefaultConnectionTrackingConfiguration;

pub use crate::types::_boot_mode_type::BootModeType;

pub use crate::types::_supported_additional_processor_feature::SupportedAdditionalProcessorFeature;

pub use crate::types::_disk_info::DiskInfo;

pub use crate::types::_ebs_card_info::EbsCardInfo;

pub use crate::types::_network_card_info::NetworkCardInfo;

pub use crate::types::_bandwidth_weighting_type::BandwidthWeightingType;

pub use crate::types::_gpu_device_info::GpuDeviceInfo;

pub use crate::types::_fpga_device_info::FpgaDeviceInfo;

pub use crate::types::_placement_group_strategy::PlacementGroupStrategy;

pub use crate::types::_inference_device_info::InferenceDeviceInfo;

pub use crate::types::_media_device_info::MediaDeviceInfo;

pub use crate::types::_neuron_device_info::NeuronDeviceInfo;

pub use crate::types::_disk_type::DiskType;

pub use crate::types::_gpu_device_memory_info::GpuDeviceMemoryInfo;

pub use crate::types::_fpga_device_memory_info::FpgaDeviceMemoryInfo;

pub use crate::types::_inference_device_memory_info::InferenceDeviceMemoryInfo;

pub use crate::types::_media_device_memory_info::MediaDeviceMemoryInfo;

pub use crate::types::_neuron_device_core_info::NeuronDeviceCoreInfo;

pub use crate::types::_neuron_device_memory_info::NeuronDeviceMemoryInfo;

pub use crate::types::_network_card_interface_type::NetworkCardInterfaceType;

mod _architecture_type;

mod _attachment_ena_srd_specification;

mod _attachment_ena_srd_udp_specification;

mod _attachment_limit_type;

mod _attachment_status;

mod _bandwidth_weighting_type;

mod _block_public_access_mode;

mod _block_public_access_states;

mod _boot_mode_type;

mod _connection_tracking_configuration;

mod _default_connection_tracking_configuration;

mod _disk_info;

mod _disk_type;

mod _ebs_card_info;

mod _ebs_encryption_support;

mod _ebs_info;

mod _ebs_nvme_support;

mod _ebs_optimized_info;

mod _ebs_optimized_support;

mod _efa_info;

mod _ena_support;

mod _ephemeral_nvme_support;

mod _filter;

mod _flexible_ena_queues_support;

mod _fpga_device_info;

mod _fpga_device_memory_info;

mod _fpga_info;

mod _gpu_device_info;

mod _gpu_device_memory_info;

mod _gpu_info;

mod _group_identifier;

mod _hostname_type;

mod _inference_accelerator_info;

mod _inference_device_info;

mod _inference_device_memory_info;

mod _instance_storage_encryption_support;

mod _instance_storage_info;

mod _instance_type;

mod _instance_type_hypervisor;

mod _instance_type_info;

mod _ip_permission;

mod _ip_range;

mod _ip_source;

mod _ipv4_prefix_specification;

mod _ipv6_address_attribute;

mod _ipv6_prefix_specification;

mod _ipv6_range;

mod _media_accelerator_info;

mod _media_device_info;

mod _media_device_memory_info;

mod _memory_info;

mod _network_card_info;

mod _network_card_interface_type;

mod _network_info;

mod _network_interface;

mod _network_interface_association;

mod _network_interface_attachment;

mod _network_interface_ipv6_address;

mod _network_interface_private_ip_address;

mod _network_interface_status;

mod _network_interface_type;

mod _neuron_device_core_info;

mod _neuron_device_info;

mod _neuron_device_memory_info;

mod _neuron_info;

mod _nitro_enclaves_support;

mod _nitro_tpm_info;

mod _nitro_tpm_support;

mod _operator_response;

mod _phc_support;

mod _placement_group_info;

mod _placement_group_strategy;

mod _prefix_list_id;

mod _private_dns_name_options_on_launch;

mod _processor_info;

mod _public_ip_dns_name_options;

mod _reboot_migration_support;

mod _root_device_type;

mod _security_group;

mod _subnet;

mod _subnet_cidr_block_state;

mod _subnet_cidr_block_state_code;

mod _subnet_cidr_reservation;

mod _subnet_cidr_reservation_type;

mod _subnet_ipv6_cidr_block_association;

mod _subnet_state;

mod _supported_additional_processor_feature;

mod _tag;

mod _usage_class_type;

mod _user_id_group_pair;

mod _v_cpu_info;

mod _virtualization_type;

/// Builders
pub mod builders;
