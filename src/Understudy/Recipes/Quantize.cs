using Understudy.Models;

namespace Understudy.Recipes;

/// <summary>Writes a model's folder with its linear layers in NF4, as transformers and bitsandbytes load it.</summary>
public static class Quantize
{
    /// <summary>Quantises layer by layer and saves. The other weights keep the type of the file.</summary>
    /// <param name="folder">A model of any family.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="blockSize">One of <see cref="Nf4Weight.BlockSizes"/>.</param>
    /// <param name="doubleQuantization">Whether the scales are quantised too.</param>
    /// <returns>Bytes of the weights before and after.</returns>
    /// <exception cref="InvalidDataException">The folder does not hold a supported model, or the output is there already.</exception>
    public static (long Before, long After) Run(string folder, string output, int blockSize = 64, bool doubleQuantization = true)
    {
        // The original weights cannot be had back from 4 bits, and a link may lead to the model's own folder.
        PretrainedFolder.RequireNew(output);

        using var model = AutoModel.Load(folder, new LoadOptions { DType = null, Quantization = WeightQuantization.Nf4, Nf4BlockSize = blockSize, Nf4DoubleQuantization = doubleQuantization });
        PretrainedFolder.Save(model, output, options: new SaveOptions { Source = folder });
        using var checkpoint = Checkpoint.Open(folder);
        var before = checkpoint.Names.Sum(name => checkpoint.TryGet(name, out var tensor) ? tensor.Entry.ByteCount : 0);
        return (before, model.WeightBytes());
    }
}
