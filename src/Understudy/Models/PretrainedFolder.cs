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

    // What Python's libraries read of a tokenizer, beside what this library does.
    private static readonly string[] TokenizerFiles =
    [
        TokenizerName, TokenizerConfigFile.Name, "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt",
        "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "chat_template.jinja", "chat_template.json",
    ];

    private const string TokenizerName = "tokenizer.json";

    /// <summary>
    /// Writes weights, <c>tokenizer.json</c> and <c>config.json</c> as one folder that takes the place of an older one in one step: a process
    /// killed at any moment leaves the old folder or the new one, each whole. Other files of the old folder stay.
    /// </summary>
    /// <param name="model">The model; its weights are written in the type they have or that the options name, NF4 as bitsandbytes stores it.</param>
    /// <param name="folder">Made when it is not there. A mount point or the current folder cannot be replaced in one step: there each file is.</param>
    /// <param name="tokenizer">The model's tokenizer, which is written with the <c>tokenizer_config.json</c> that transformers needs and, for a model that generates, a <c>generation_config.json</c>, where neither it nor the source has them; null writes none but what is copied.</param>
    /// <param name="options">Type of the weights, sizes of files, and what is copied; null for the usual.</param>
    /// <exception cref="InvalidOperationException">The model is held in int8, which no checkpoint has, or in NF4 and another type is asked for.</exception>
    public static void Save(IPretrainedModel model, string folder, Tokenizer? tokenizer = null, SaveOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new SaveOptions();
        var config = ConfigOf(model, options.DType);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxShardSize, 1, nameof(options));
        var copied = options.Source is not { } source ? [] : TokenizerFiles.Select(name => Path.Combine(source, name)).Where(File.Exists).ToList();
        var generation = options.GenerationConfig?.ToJsonString(Indented)
            ?? (options.Source is { } from && model is ICausalLanguageModel or ISequenceToSequenceModel && File.Exists(Path.Combine(from, GenerationConfigFile.Name)) ? File.ReadAllText(Path.Combine(from, GenerationConfigFile.Name)) : null)
            ?? (tokenizer is null ? null : GenerationConfigFile.Of(model)?.ToJsonString(Indented));
        var described = copied.Exists(file => Path.GetFileName(file) == TokenizerConfigFile.Name) || tokenizer?.Parts.Companions.ContainsKey(TokenizerConfigFile.Name) == true;
        FolderReplacement.Write(
            folder,
            name => name == ConfigJson.FileName || SafeTensorsShardWriter.IsWeightFile(name) || ((tokenizer is not null || copied.Count > 0) && TokenizerFiles.Contains(name)) || (generation is not null && name == GenerationConfigFile.Name),
            place =>
            {
                FolderReplacement.Step("write the weights");
                WeightFile.WriteShards(place, [.. model.Parameters, .. model.Buffers], options.MaxShardSize, options.DType);
                foreach (var file in copied)
                {
                    FolderReplacement.Step($"copy {Path.GetFileName(file)}");
                    File.Copy(file, Path.Combine(place, Path.GetFileName(file)), overwrite: true);
                }

                if (tokenizer is not null && !copied.Exists(file => Path.GetFileName(file) == TokenizerName))
                {
                    FolderReplacement.Step("write the tokenizer");
                    tokenizer.SaveToFolder(place);
                }

                if (tokenizer is not null && !described) WriteText(Path.Combine(place, TokenizerConfigFile.Name), TokenizerConfigFile.Of(tokenizer, model).ToJsonString(Indented) + "\n");

                if (generation is not null) WriteText(Path.Combine(place, GenerationConfigFile.Name), generation.TrimEnd() + "\n");
                WriteText(Path.Combine(place, ConfigJson.FileName), config.ToJsonString(Indented) + "\n");
            });
    }

    /// <summary>Refuses a place for a new model where something lies already.</summary>
    /// <exception cref="InvalidDataException">It is a file, or a folder that is not empty.</exception>
    internal static void RequireNew(string folder)
    {
        if (Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder).Any() : File.Exists(folder))
        {
            throw new InvalidDataException($"{folder} is there already. Choose another folder, so that nothing of yours is overwritten.");
        }
    }

    private static JsonObject ConfigOf(IPretrainedModel model, ScalarType? dtype)
    {
        var json = model.ToConfigJson();
        // The first weight is an embedding; scales of quantised matrices are float32 whatever the model is.
        var type = MappedTensors.NameOf(dtype ?? model.Parameters.Select(parameter => parameter.Value.dtype).First(dtype => dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16 or ScalarType.Float64));
        // transformers 5 calls it dtype, and reads the older name as well.
        json["torch_dtype"] = type;
        if (json.ContainsKey("dtype")) json["dtype"] = type;
        ModelQuantization.Write(json, model, type);
        if (dtype is not null && json.ContainsKey(ModelQuantization.Key))
            throw new InvalidOperationException($"The model is held in 4 bits, which are saved as they are, and {type} was asked for. Leave the type out, or load the original weights.");
        return json;
    }

    internal static void WriteText(string path, string json)
    {
        FolderReplacement.Step($"write {Path.GetFileName(path)}");
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
