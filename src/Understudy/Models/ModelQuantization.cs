using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>What a <c>config.json</c> says of weights in fewer bits, and what a model has of them.</summary>
public static class ModelQuantization
{
    internal const string Key = "quantization_config";

    /// <summary>How a model's linear layers are held; output layers do not count.</summary>
    public static WeightQuantization Of(IPretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Linears.Any(layer => layer.Weight is Nf4Weight) ? WeightQuantization.Nf4
            : model.Linears.Any(layer => layer.Weight is Int8Weight) ? WeightQuantization.Int8
            : WeightQuantization.None;
    }

    /// <summary>Refuses to train a model's own weights where its matrices take no gradient.</summary>
    /// <exception cref="InvalidDataException">It is quantised.</exception>
    public static void RefuseTraining(IPretrainedModel model)
    {
        var held = Of(model);
        if (held == WeightQuantization.None) return;
        throw new InvalidDataException($"The model's linear layers are quantised ({NameOf(held)}), and such weights cannot be trained. Train an adapter on it ('lora'), or take the original weights as they are.");
    }

    /// <summary>Refuses a checkpoint whose matrices are held in a way that cannot be read, or not in the way that is asked for.</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="options">How the matrices are to be held.</param>
    /// <exception cref="InvalidDataException">They are quantised in another way than NF4, or in NF4 where int8 is asked for.</exception>
    /// <exception cref="ArgumentException">The block size is none of bitsandbytes'.</exception>
    internal static void Check(ConfigJson json, LoadOptions options)
    {
        if (options.Quantization == WeightQuantization.Nf4 && !Nf4Weight.BlockSizes.Contains(options.Nf4BlockSize))
            throw new ArgumentException($"Expected a block of {string.Join(", ", Nf4Weight.BlockSizes)} numbers, found {options.Nf4BlockSize}.", nameof(options));
        if (options.QuantizeOutput && options.Quantization != WeightQuantization.Int8)
            throw new ArgumentException($"Output layers are quantised in int8 alone, and {NameOf(options.Quantization)} was asked for. Leave out QuantizeOutput.", nameof(options));
        if (json.Has("compression_config")) throw Refused(json, "compressed-tensors");
        if (json.Section(Key) is not { } section) return;
        var method = section.String("quant_method", "bitsandbytes");
        if (method != "bitsandbytes") throw Refused(json, method);
        if (section.Bool("load_in_8bit", section.Bool("_load_in_8bit", false))) throw Refused(json, "bitsandbytes in 8 bits");
        if (!section.Bool("load_in_4bit", section.Bool("_load_in_4bit", false))) throw Refused(json, "bitsandbytes in neither 4 nor 8 bits");
        var type = section.String("bnb_4bit_quant_type", "fp4");
        if (type != "nf4") throw Refused(json, $"bitsandbytes in {type}");
        if (options.Quantization == WeightQuantization.Int8)
            throw json.Fault("the weights are in nf4 already, and int8 was asked for. Take the original checkpoint for that, or ask for no quantization.");
    }

    /// <summary>Writes what <c>transformers</c> must know to load the model's weights as they are, or takes out what is no longer true.</summary>
    /// <param name="json">The configuration to be saved.</param>
    /// <param name="model">The model.</param>
    /// <param name="type">Type of the weights that are not quantised.</param>
    /// <exception cref="InvalidOperationException">The weights are held in a way that no checkpoint has.</exception>
    internal static void Write(JsonObject json, IPretrainedModel model, string type)
    {
        json.Remove(Key);
        var weights = model.Linears.Select(layer => layer.Weight).OfType<Nf4Weight>().ToList();
        if (model.Linears.Any(layer => layer.Weight is Int8Weight))
            throw new InvalidOperationException("A model in int8 is for generation alone and cannot be saved: transformers knows no such weights. Load the original with quantization nf4 or none, and save that.");
        if (weights.Count == 0) return;
        // transformers takes every linear layer that is not named here for a quantised one.
        var others = model.Linears.Where(layer => layer.Weight is not Nf4Weight).Select(layer => (JsonNode)layer.Name).ToArray();
        json[Key] = new JsonObject
        {
            ["_load_in_4bit"] = true,
            ["_load_in_8bit"] = false,
            ["bnb_4bit_compute_dtype"] = type,
            ["bnb_4bit_quant_storage"] = "uint8",
            ["bnb_4bit_quant_type"] = "nf4",
            ["bnb_4bit_use_double_quant"] = weights[0].DoubleQuantization,
            ["llm_int8_enable_fp32_cpu_offload"] = false,
            ["llm_int8_has_fp16_weight"] = false,
            ["llm_int8_skip_modules"] = new JsonArray(others),
            // transformers refuses a whole number here, and .NET would write 6.
            ["llm_int8_threshold"] = JsonNode.Parse("6.0"),
            ["load_in_4bit"] = true,
            ["load_in_8bit"] = false,
            ["quant_method"] = "bitsandbytes",
        };
    }

    /// <summary>How options and messages call it.</summary>
    internal static string NameOf(WeightQuantization quantization) => quantization.ToString().ToLowerInvariant();

    private static InvalidDataException Refused(ConfigJson json, string method) => json.Fault(
        $"the weights are quantised with '{method}', which is not supported. Supported: bitsandbytes NF4. Take the original checkpoint: it can be held in 4 or 8 bits as it is loaded (quantization nf4 or int8).");
}
