"""What `depth_tf.prepare` is made of: every form NYU Depth V2 comes in, and its official division."""
