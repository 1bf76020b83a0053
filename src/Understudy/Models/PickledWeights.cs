namespace Understudy.Models;

/// <summary>Refuses weights stored as Python pickles: reading a pickle runs whatever code its author put in.</summary>
internal static class PickledWeights
{
    private static readonly string[] Extensions = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    /// <summary>Throws when the name of a file says that it holds pickled weights.</summary>
    public static void Refuse(string path)
    {
        if (!Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)) return;
        throw new InvalidDataException(
            $"{path}: expected safetensors, found pickled PyTorch weights, and reading a pickle runs the code in it. If you trust where the file comes from, "
            + "convert it once with Python: from safetensors.torch import save_file; import torch; "
            + $"save_file({{k: v.contiguous().clone() for k, v in torch.load('{Path.GetFileName(path)}', map_location='cpu', weights_only=True).items()}}, 'model.safetensors', {{'format': 'pt'}})");
    }

    /// <summary>Throws when a folder without safetensors holds pickled weights.</summary>
    public static void RefuseFolder(string folder)
    {
        var pickled = Directory.EnumerateFiles(folder)
            .Where(file => Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
            .Where(file => Path.GetFileName(file) is not ("training_args.bin" or "optimizer.pt" or "scheduler.pt" or "scaler.pt"))
            .Order(StringComparer.Ordinal)
            .ToList();
        if (pickled.Count == 0) return;
        throw new InvalidDataException(
            $"{folder}: expected model.safetensors, found pickled PyTorch weights ({string.Join(", ", pickled.Take(3).Select(Path.GetFileName))}{(pickled.Count > 3 ? ", ..." : "")}), "
            + "and reading a pickle runs the code in it. If you trust where the folder comes from, convert it once with Python: "
            + "from transformers import AutoModel; AutoModel.from_pretrained('FOLDER').save_pretrained('NEW_FOLDER', safe_serialization=True) "
            + "(take the class that 'architectures' in config.json names instead of AutoModel, or the head is lost).");
    }
}
