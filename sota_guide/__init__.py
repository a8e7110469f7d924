"""The published state of the art: what there is, which to take, and how to run and score it.

    README.md      the short-list, the choice, and the guide from a bare machine to a depth map and a score
    models.toml    every figure and licence in it, each with its source and how it was read
    tables         program: writes the README's tables from models.toml and results/
    run            program: one photograph to a depth map, with a network of KerasHub
    evaluate       program: scores such a network with depth_tf's own evaluator
    finetune       program: takes KerasHub's network from relative depth to metres
    speed          program: seconds per image and memory, with or without weights
    torch_predict  program: depth maps of a folder of images in PyTorch, for depth_tf.evaluate
      presets        loads a network of KerasHub, by name or from a folder

Nothing here is imported by `depth_tf`. KerasHub and PyTorch are imported when a program needs them:
requirements.txt and requirements-torch.txt name their versions.
"""
