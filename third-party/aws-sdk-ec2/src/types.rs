// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub use crate::types::_subnet_ipv6_cidr_block_association::SubnetIpv6CidrBlockAssociation;

pub use crate::types::_subnet::Subnet;

pub use crate::types::_network_interface::NetworkInterface;

pub use crate::types::_subnet_cidr_reservation_type::SubnetCidrReservationType;

pub use crate::types::_subnet_cidr_reservation::SubnetCidrReservation;

pub use crate::types::_operator_response::OperatorResponse;

pub use crate::types::_tenancy::Tenancy;

pub use crate::types::_enclave_options::EnclaveOptions;

pub use crate::types::_network_interface_attachment::NetworkInterfaceAttachment;

pub use crate::types::_instance_type::InstanceType;

pub use crate::types::_boot_mode_values::BootModeValues;

pub use crate::types::_platform_values::PlatformValues;

pub use crate::types::_nested_virtualization_specification::NestedVirtualizationSpecification;

pub use crate::types::_instance_auto_recovery_state::InstanceAutoRecoveryState;

pub use crate::types::_instance_reboot_migration_state::InstanceRebootMigrationState;

pub use crate::types::_http_tokens_state::HttpTokensState;

pub use crate::types::_instance_metadata_endpoint_state::InstanceMetadataEndpointState;

pub use crate::types::_instance_metadata_protocol_state::InstanceMetadataProtocolState;

pub use crate::types::_instance_metadata_tags_state::InstanceMetadataTagsState;

pub use crate::types::_instance_metadata_options_response::InstanceMetadataOptionsResponse;

pub use crate::types::_instance_bandwidth_weighting::InstanceBandwidthWeighting;

pub use crate::types::_hostname_type::HostnameType;

pub use crate::types::_architecture_values::ArchitectureValues;

pub use crate::types::_placement::Placement;

pub use crate::types::_ipv4_prefix_specification::Ipv4PrefixSpecification;

pub use crate::types::_iam_instance_profile::IamInstanceProfile;

pub use crate::types::_subnet_cidr_block_state::SubnetCidrBlockState;

pub use crate::types::_ipv6_address_attribute::Ipv6AddressAttribute;

pub use crate::types::_ip_source::IpSource;

pub use crate::types::_attachment_status::AttachmentStatus;

pub use crate::types::_ip_permission::IpPermission;

pub use crate::types::_tag::Tag;

pub use crate::types::_private_dns_name_options_on_launch::PrivateDnsNameOptionsOnLaunch;

pub use crate::types::_block_public_access_states::BlockPublicAccessStates;

pub use crate::types::_subnet_state::SubnetState;

pub use crate::types::_state_reason::StateReason;

pub use crate::types::_instance_ipv6_address::InstanceIpv6Address;

pub use crate::types::_network_interface_association::NetworkInterfaceAssociation;

pub use crate::types::_connection_tracking_configuration::ConnectionTrackingConfiguration;

pub use crate::types::_network_interface_type::NetworkInterfaceType;

pub use crate::types::_public_ip_dns_name_options::PublicIpDnsNameOptions;

pub use crate::types::_network_interface_status::NetworkInterfaceStatus;

pub use crate::types::_filter::Filter;

pub use crate::types::_product_code::ProductCode;

pub use crate::types::_instance_block_device_mapping::InstanceBlockDeviceMapping;

pub use crate::types::_group_identifier::GroupIdentifier;

pub use crate::types::_reservation::Reservation;

pub use crate::types::_instance_type_info::InstanceTypeInfo;

pub use crate::types::_attachment_ena_srd_specification::AttachmentEnaSrdSpecification;

pub use crate::types::_security_group::SecurityGroup;

pub use crate::types::_architecture_type::ArchitectureType;

pub use crate::types::_virtualization_type::VirtualizationType;

pub use crate::types::_capacity_reservation_preference::CapacityReservationPreference;

pub use crate::types::_instance_metadata_options_state::InstanceMetadataOptionsState;

pub use crate::types::_amd_sev_snp_specification::AmdSevSnpSpecification;

pub use crate::types::_instance::Instance;

pub use crate::types::_subnet_cidr_block_state_code::SubnetCidrBlockStateCode;

pub use crate::types::_block_public_access_mode::BlockPublicAccessMode;

pub use crate::types::_network_interface_ipv6_address::NetworkInterfaceIpv6Address;

pub use crate::types::_network_interface_private_ip_address::NetworkInterfacePrivateIpAddress;

pub use crate::types::_ipv6_prefix_specification::Ipv6PrefixSpecification;

pub use crate::types::_product_code_values::ProductCodeValues;

pub use crate::types::_hypervisor_type::HypervisorType;

pub use crate::types::_device_type::DeviceType;

pub use crate::types::_ebs_instance_block_device::EbsInstanceBlockDevice;

pub use crate::types::_instance_state::InstanceState;

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

pub use crate::types::_secondary_interface_type::SecondaryInterfaceType;

pub use crate::types::_secondary_interface_status::SecondaryInterfaceStatus;

pub use crate::types::_capacity_reservation_target_response::CapacityReservationTargetResponse;

pub use crate::types::_monitoring::Monitoring;

pub use crate::types::_instance_lifecycle_type::InstanceLifecycleType;

pub use crate::types::_cpu_options::CpuOptions;

pub use crate::types::_capacity_reservation_specification_response::CapacityReservationSpecificationResponse;

pub use crate::types::_hibernation_options::HibernationOptions;

pub use crate::types::_private_dns_name_options_response::PrivateDnsNameOptionsResponse;

pub use crate::types::_instance_maintenance_options::InstanceMaintenanceOptions;

pub use crate::types::_instance_boot_mode_values::InstanceBootModeValues;

pub use crate::types::_instance_network_performance_options::InstanceNetworkPerformanceOptions;

pub use crate::types::_user_id_group_pair::UserIdGroupPair;

pub use crate::types::_ip_range::IpRange;

pub use crate::types::_ipv6_range::Ipv6Range;

pub use crate::types::_prefix_list_id::PrefixListId;

pub use crate::types::_instance_state_name::InstanceStateName;

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

pub use crate::types::_monitoring_state::MonitoringState;

pub use crate::types::_elastic_gpu_association::ElasticGpuAssociation;

pub use crate::types::_elastic_inference_accelerator_association::ElasticInferenceAcceleratorAssociation;

pub use crate::types::_instance_network_interface::InstanceNetworkInterface;

pub use crate::types::_license_configuration::LicenseConfiguration;

pub use crate::types::_instance_secondary_interface::InstanceSecondaryInterface;

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

pub use crate::types::_instance_network_interface_association::InstanceNetworkInterfaceAssociation;

pub use crate::types::_instance_network_interface_attachment::InstanceNetworkInterfaceAttachment;

pub use crate::types::_connection_tracking_specification_response::ConnectionTrackingSpecificationResponse;

pub use crate::types::_instance_secondary_interface_attachment::InstanceSecondaryInterfaceAttachment;

pub use crate::types::_disk_type::DiskType;

pub use crate::types::_gpu_device_memory_info::GpuDeviceMemoryInfo;

pub use crate::types::_fpga_device_memory_info::FpgaDeviceMemoryInfo;

pub use crate::types::_inference_device_memory_info::InferenceDeviceMemoryInfo;

pub use crate::types::_media_device_memory_info::MediaDeviceMemoryInfo;

pub use crate::types::_neuron_device_core_info::NeuronDeviceCoreInfo;

pub use crate::types::_neuron_device_memory_info::NeuronDeviceMemoryInfo;

pub use crate::types::_instance_attachment_ena_srd_specification::InstanceAttachmentEnaSrdSpecification;

pub use crate::types::_instance_private_ip_address::InstancePrivateIpAddress;

pub use crate::types::_instance_ipv4_prefix::InstanceIpv4Prefix;

pub use crate::types::_instance_ipv6_prefix::InstanceIpv6Prefix;

pub use crate::types::_instance_secondary_interface_private_ip_address::InstanceSecondaryInterfacePrivateIpAddress;

pub use crate::types::_network_card_interface_type::NetworkCardInterfaceType;

pub use crate::types::_instance_attachment_ena_srd_udp_specification::InstanceAttachmentEnaSrdUdpSpecification;

mod _amd_sev_snp_specification;

mod _architecture_type;

mod _architecture_values;

mod _attachment_ena_srd_specification;

mod _attachment_ena_srd_udp_specification;

mod _attachment_limit_type;

mod _attachment_status;

mod _bandwidth_weighting_type;

mod _block_public_access_mode;

mod _block_public_access_states;

mod _boot_mode_type;

mod _boot_mode_values;

mod _capacity_reservation_preference;

mod _capacity_reservation_specification_response;

mod _capacity_reservation_target_response;

mod _connection_tracking_configuration;

mod _connection_tracking_specification_response;

mod _cpu_options;

mod _default_connection_tracking_configuration;

mod _device_type;

mod _disk_info;

mod _disk_type;

mod _ebs_card_info;

mod _ebs_encryption_support;

mod _ebs_info;

mod _ebs_instance_block_device;

mod _ebs_nvme_support;

mod _ebs_optimized_info;

mod _ebs_optimized_support;

mod _efa_info;

mod _elastic_gpu_association;

mod _elastic_inference_accelerator_association;

mod _ena_support;

mod _enclave_options;

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

mod _hibernation_options;

mod _hostname_type;

mod _http_tokens_state;

mod _hypervisor_type;

mod _iam_instance_profile;

mod _inference_accelerator_info;

mod _inference_device_info;

mod _inference_device_memory_info;

mod _instance;

mod _instance_attachment_ena_srd_specification;

mod _instance_attachment_ena_srd_udp_specification;

mod _instance_auto_recovery_state;

mod _instance_bandwidth_weighting;

mod _instance_block_device_mapping;

mod _instance_boot_mode_values;

mod _instance_ipv4_prefix;

mod _instance_ipv6_address;

mod _instance_ipv6_prefix;

mod _instance_lifecycle_type;

mod _instance_maintenance_options;

mod _instance_metadata_endpoint_state;

mod _instance_metadata_options_response;

mod _instance_metadata_options_state;

mod _instance_metadata_protocol_state;

mod _instance_metadata_tags_state;

mod _instance_network_interface;

mod _instance_network_interface_association;

mod _instance_network_interface_attachment;

mod _instance_network_performance_options;

mod _instance_private_ip_address;

mod _instance_reboot_migration_state;

mod _instance_secondary_interface;

mod _instance_secondary_interface_attachment;

mod _instance_secondary_interface_private_ip_address;

mod _instance_state;

mod _instance_state_name;

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

mod _license_configuration;

mod _media_accelerator_info;

mod _media_device_info;

mod _media_device_memory_info;

mod _memory_info;

mod _monitoring;

mod _monitoring_state;

mod _nested_virtualization_specification;

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

mod _placement;

mod _placement_group_info;

mod _placement_group_strategy;

mod _platform_values;

mod _prefix_list_id;

mod _private_dns_name_options_on_launch;

mod _private_dns_name_options_response;

mod _processor_info;

mod _product_code;

mod _product_code_values;

mod _public_ip_dns_name_options;

mod _reboot_migration_support;

mod _reservation;

mod _root_device_type;

mod _secondary_interface_status;

mod _secondary_interface_type;

mod _security_group;

mod _state_reason;

mod _subnet;

mod _subnet_cidr_block_state;

mod _subnet_cidr_block_state_code;

mod _subnet_cidr_reservation;

mod _subnet_cidr_reservation_type;

mod _subnet_ipv6_cidr_block_association;

mod _subnet_state;

mod _supported_additional_processor_feature;

mod _tag;

mod _tenancy;

mod _usage_class_type;

mod _user_id_group_pair;

mod _v_cpu_info;

mod _virtualization_type;

/// Builders
pub mod builders;
