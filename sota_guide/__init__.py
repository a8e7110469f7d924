"""The published state of the art: what there is, which to take, and how to run and score it.

    README.md      the guide from a bare machine to a depth map and a score, and which network to take
    research.md    what lies behind it: the choice, every model, every figure
    models.toml    every figure and licence in both, each with its source and how it was read
    tables         program: writes both pages' tables from models.toml and result files
    onnx_predict   program: depth of photographs from an ONNX file, FastDepth's first of all
    run            program: the same with a network of KerasHub
    torch_predict  program: the same in PyTorch
    evaluate       program: scores a network of KerasHub with depth_tf's own evaluator
    finetune       program: takes KerasHub's network from relative depth to metres
    speed          program: seconds per image and memory, with or without weights
      presets        loads a network of KerasHub, by name or from a folder
      photographs    the reader, the writer and the rules for bad files of the three programs for photographs

Nothing here is imported by `depth_tf`. KerasHub, onnxruntime and PyTorch are imported when a program needs them:
requirements.txt and requirements-torch.txt name their versions.
"""
