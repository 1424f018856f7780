//! What operators see of a real process: traces at a collector, the record of customer data, what answers tell developers.

mod collector;
mod customer_data;
mod debug;
mod marked;
mod process;
mod traces;
