//! Rules that the source tree itself keeps.

mod module_order;
