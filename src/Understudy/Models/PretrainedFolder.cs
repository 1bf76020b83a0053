using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Saving models as Hugging Face folders; <see cref="AutoModel"/> loads them.</summary>
public static class PretrainedFolder
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>
    /// Writes <c>model.safetensors</c>, <c>tokenizer.json</c> (with the configuration and chat template that it was read with) and
    /// <c>config.json</c>, in this order: each file appears whole or not at all, and a new folder with a <c>config.json</c> is complete.
    /// </summary>
    /// <param name="model">The model; its weights are written in the type they have, NF4 as bitsandbytes stores it.</param>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="tokenizer">The model's tokenizer; null writes none.</param>
    /// <exception cref="InvalidOperationException">The model is held in int8, which no checkpoint has.</exception>
    public static void Save(IPretrainedModel model, string folder, Tokenizer? tokenizer = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        var config = ConfigOf(model);
        Directory.CreateDirectory(folder);
        WeightFile.Write(Path.Combine(folder, Checkpoint.WeightsName), [.. model.Parameters, .. model.Buffers]);
        tokenizer?.SaveToFolder(folder);
        WriteText(Path.Combine(folder, ConfigJson.FileName), config.ToJsonString(Indented) + "\n");
    }

    private static JsonObject ConfigOf(IPretrainedModel model)
    {
        var json = model.ToConfigJson();
        // The first weight is an embedding; scales of quantised matrices are float32 whatever the model is.
        var type = MappedTensors.NameOf(model.Parameters.Select(parameter => parameter.Value.dtype).First(dtype => dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16 or ScalarType.Float64));
        // transformers 5 calls it dtype, and reads the older name as well.
        json["torch_dtype"] = type;
        if (json.ContainsKey("dtype")) json["dtype"] = type;
        ModelQuantization.Write(json, model, type);
        return json;
    }

    internal static void WriteText(string path, string json)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(new UTF8Encoding(false).GetBytes(json));
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
