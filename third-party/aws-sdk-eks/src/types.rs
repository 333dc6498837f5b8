// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub use crate::types::_logging::Logging;

pub use crate::types::_control_plane_scaling_config::ControlPlaneScalingConfig;

pub use crate::types::_cluster::Cluster;

pub use crate::types::_pod_identity_association::PodIdentityAssociation;

pub use crate::types::_certificate_authority_activated_by::CertificateAuthorityActivatedBy;

pub use crate::types::_encryption_config::EncryptionConfig;

pub use crate::types::_control_plane_egress_mode_type::ControlPlaneEgressModeType;

pub use crate::types::_ip_family::IpFamily;

pub use crate::types::_elastic_load_balancing::ElasticLoadBalancing;

pub use crate::types::_authentication_mode::AuthenticationMode;

pub use crate::types::_support_type::SupportType;

pub use crate::types::_block_storage::BlockStorage;

pub use crate::types::_provisioned_control_plane_tier::ProvisionedControlPlaneTier;

pub use crate::types::_service_node_port_range::ServiceNodePortRange;

pub use crate::types::_node_resources_fit_config::NodeResourcesFitConfig;

pub use crate::types::_vpc_config_response::VpcConfigResponse;

pub use crate::types::_kubernetes_network_config_response::KubernetesNetworkConfigResponse;

pub use crate::types::_identity::Identity;

pub use crate::types::_cluster_status::ClusterStatus;

pub use crate::types::_certificate::Certificate;

pub use crate::types::_connector_config_response::ConnectorConfigResponse;

pub use crate::types::_cluster_health::ClusterHealth;

pub use crate::types::_outpost_config_response::OutpostConfigResponse;

pub use crate::types::_access_config_response::AccessConfigResponse;

pub use crate::types::_upgrade_policy_response::UpgradePolicyResponse;

pub use crate::types::_zonal_shift_config_response::ZonalShiftConfigResponse;

pub use crate::types::_remote_network_config_response::RemoteNetworkConfigResponse;

pub use crate::types::_compute_config_response::ComputeConfigResponse;

pub use crate::types::_storage_config_response::StorageConfigResponse;

pub use crate::types::_kube_api_server_config_response::KubeApiServerConfigResponse;

pub use crate::types::_kube_scheduler_config_response::KubeSchedulerConfigResponse;

pub use crate::types::_kube_controller_manager_config_response::KubeControllerManagerConfigResponse;

pub use crate::types::_pod_identity_association_summary::PodIdentityAssociationSummary;

pub use crate::types::_provider::Provider;

pub use crate::types::_gateway_api_configuration::GatewayApiConfiguration;

pub use crate::types::_log_setup::LogSetup;

pub use crate::types::_spread_level::SpreadLevel;

pub use crate::types::_remote_node_network::RemoteNodeNetwork;

pub use crate::types::_remote_pod_network::RemotePodNetwork;

pub use crate::types::_scoring_strategy::ScoringStrategy;

pub use crate::types::_oidc::Oidc;

pub use crate::types::_active_certificate_authority::ActiveCertificateAuthority;

pub use crate::types::_control_plane_placement_response::ControlPlanePlacementResponse;

pub use crate::types::_etcd_placement_response::EtcdPlacementResponse;

pub use crate::types::_pod_gc_controller_config_response::PodGcControllerConfigResponse;

pub use crate::types::_horizontal_pod_autoscaler_controller_config_response::HorizontalPodAutoscalerControllerConfigResponse;

pub use crate::types::_crd_management_configuration::CrdManagementConfiguration;

pub use crate::types::_scoring_strategy_type::ScoringStrategyType;

pub use crate::types::_cluster_issue::ClusterIssue;

pub use crate::types::_log_type::LogType;

pub use crate::types::_resource_weight::ResourceWeight;

pub use crate::types::_cluster_issue_code::ClusterIssueCode;

mod _access_config_response;

mod _active_certificate_authority;

mod _authentication_mode;

mod _block_storage;

mod _certificate;

mod _certificate_authority_activated_by;

mod _cluster;

mod _cluster_health;

mod _cluster_issue;

mod _cluster_issue_code;

mod _cluster_status;

mod _compute_config_response;

mod _connector_config_response;

mod _control_plane_egress_mode_type;

mod _control_plane_placement_response;

mod _control_plane_scaling_config;

mod _crd_management_configuration;

mod _elastic_load_balancing;

mod _encryption_config;

mod _etcd_placement_response;

mod _gateway_api_configuration;

mod _horizontal_pod_autoscaler_controller_config_response;

mod _identity;

mod _ip_family;

mod _kube_api_server_config_response;

mod _kube_controller_manager_config_response;

mod _kube_scheduler_config_response;

mod _kubernetes_network_config_response;

mod _log_setup;

mod _log_type;

mod _logging;

mod _node_resources_fit_config;

mod _oidc;

mod _outpost_config_response;

mod _pod_gc_controller_config_response;

mod _pod_identity_association;

mod _pod_identity_association_summary;

mod _provider;

mod _provisioned_control_plane_tier;

mod _remote_network_config_response;

mod _remote_node_network;

mod _remote_pod_network;

mod _resource_weight;

mod _scoring_strategy;

mod _scoring_strategy_type;

mod _service_node_port_range;

mod _spread_level;

mod _storage_config_response;

mod _support_type;

mod _upgrade_policy_response;

mod _vpc_config_response;

mod _zonal_shift_config_response;

/// Builders
pub mod builders;

/// Error types that Amazon Elastic Kubernetes Service can respond with.
pub mod error;
