using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Writes a model's folder anew, as transformers loads it, in another type where asked for.</summary>
public static class Export
{
    /// <summary>Copies a model: weights in one type, configuration, tokenizer and, for a model that generates, <c>generation_config.json</c>. What transformers needs and the folder lacks is added.</summary>
    /// <param name="folder">A whole model of any family, with its tokenizer.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="dtype">Type of the weights in the new folder; null keeps that of the file.</param>
    /// <returns>Bytes of the weights before and after.</returns>
    /// <exception cref="InvalidDataException">The folder does not hold a supported model, its weights are quantised and another type is asked for, or the output is there already.</exception>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.</exception>
    public static (long Before, long After) Run(string folder, string output, ScalarType? dtype = null)
    {
        PretrainedFolder.RequireNew(output);
        var tokenizer = Tokenizer.FromFolder(folder);
        var config = ConfigJson.Read(folder);
        if (dtype is not null && config.Has(ModelQuantization.Key))
            throw config.Fault("the weights are quantised, and another type was asked for. Leave the type out, or take the original checkpoint.");
        using (var model = AutoModel.Load(folder, new LoadOptions { DType = null }))
        {
            PretrainedFolder.Save(model, output, tokenizer, new SaveOptions { Source = folder, DType = dtype });
        }

        return (WeightBytes(folder), WeightBytes(output));
    }

    private static long WeightBytes(string folder)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return checkpoint.Names.Sum(name => checkpoint.TryGet(name, out var tensor) ? tensor.Entry.ByteCount : 0);
    }
}
