// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub use crate::types::_logging::LoggingBuilder;

pub use crate::types::_control_plane_scaling_config::ControlPlaneScalingConfigBuilder;

pub use crate::types::_cluster::ClusterBuilder;

pub use crate::types::_pod_identity_association::PodIdentityAssociationBuilder;

pub use crate::types::_encryption_config::EncryptionConfigBuilder;

pub use crate::types::_elastic_load_balancing::ElasticLoadBalancingBuilder;

pub use crate::types::_block_storage::BlockStorageBuilder;

pub use crate::types::_service_node_port_range::ServiceNodePortRangeBuilder;

pub use crate::types::_node_resources_fit_config::NodeResourcesFitConfigBuilder;

pub use crate::types::_vpc_config_response::VpcConfigResponseBuilder;

pub use crate::types::_kubernetes_network_config_response::KubernetesNetworkConfigResponseBuilder;

pub use crate::types::_identity::IdentityBuilder;

pub use crate::types::_certificate::CertificateBuilder;

pub use crate::types::_connector_config_response::ConnectorConfigResponseBuilder;

pub use crate::types::_cluster_health::ClusterHealthBuilder;

pub use crate::types::_outpost_config_response::OutpostConfigResponseBuilder;

pub use crate::types::_access_config_response::AccessConfigResponseBuilder;

pub use crate::types::_upgrade_policy_response::UpgradePolicyResponseBuilder;

pub use crate::types::_zonal_shift_config_response::ZonalShiftConfigResponseBuilder;

pub use crate::types::_remote_network_config_response::RemoteNetworkConfigResponseBuilder;

pub use crate::types::_compute_config_response::ComputeConfigResponseBuilder;

pub use crate::types::_storage_config_response::StorageConfigResponseBuilder;

pub use crate::types::_kube_api_server_config_response::KubeApiServerConfigResponseBuilder;

pub use crate::types::_kube_scheduler_config_response::KubeSchedulerConfigResponseBuilder;

pub use crate::types::_kube_controller_manager_config_response::KubeControllerManagerConfigResponseBuilder;

pub use crate::types::_pod_identity_association_summary::PodIdentityAssociationSummaryBuilder;

pub use crate::types::_provider::ProviderBuilder;

pub use crate::types::_gateway_api_configuration::GatewayApiConfigurationBuilder;

pub use crate::types::_log_setup::LogSetupBuilder;

pub use crate::types::_remote_node_network::RemoteNodeNetworkBuilder;

pub use crate::types::_remote_pod_network::RemotePodNetworkBuilder;

pub use crate::types::_scoring_strategy::ScoringStrategyBuilder;

pub use crate::types::_oidc::OidcBuilder;

pub use crate::types::_active_certificate_authority::ActiveCertificateAuthorityBuilder;

pub use crate::types::_control_plane_placement_response::ControlPlanePlacementResponseBuilder;

pub use crate::types::_etcd_placement_response::EtcdPlacementResponseBuilder;

pub use crate::types::_pod_gc_controller_config_response::PodGcControllerConfigResponseBuilder;

pub use crate::types::_horizontal_pod_autoscaler_controller_config_response::HorizontalPodAutoscalerControllerConfigResponseBuilder;

pub use crate::types::_crd_management_configuration::CrdManagementConfigurationBuilder;

pub use crate::types::_cluster_issue::ClusterIssueBuilder;

pub use crate::types::_resource_weight::ResourceWeightBuilder;
